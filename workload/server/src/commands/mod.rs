//! One file a command.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use settings::{Source, table};

use crate::backend::Backend;
use crate::cli::{self, Cli, Command, OlderCli, OlderCommand};
use crate::failure::Failure;
use crate::output::note;

mod choice;
mod cluster;
mod event;
mod local;
mod migrate;
mod relay;
mod serve;
mod service_account;
mod session;
mod token;

/// Where `cluster-manager local` leaves its settings for the other commands.
const LOCAL_SETTINGS: &str = ".local/config.yaml";

/// Runs what the command line and the environment ask for.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(&format!("cluster-manager: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(arguments: &[OsString]) -> Result<(), Failure> {
    let source = Source::from_environment()?;
    if let Some(service) = service_without_subcommand(&source, arguments)? {
        return match service.as_str() {
            "cli" => older(&source, arguments),
            "management-api" | "cluster-connector" => serve::run_service(&source, &service),
            other => Err(settings::source::invalid(&table::SERVICE, other).into()),
        };
    }
    let Cli { output, remote, command } = Cli::parse_from(arguments);
    match command {
        Command::Serve(arguments) => serve::run(&on_this_machine(remote, source)?, &arguments),
        Command::Local(arguments) => {
            on_this_machine(remote, source)?;
            local::run(&arguments)
        }
        Command::Migrate => block_on(migrate::run(&with_local_settings(on_this_machine(remote, source)?)?)),
        Command::Relay(cli::Relay::Explain(arguments)) => relay::explain_file(&source, output, &arguments),
        Command::Token(command) => block_on(token::run(&backend(remote, source)?, output, command)),
        Command::Cluster(command) => block_on(cluster::run(&backend(remote, source)?, output, command)),
        Command::ServiceAccount(command) => {
            block_on(service_account::run(&backend(remote, source)?, output, command))
        }
        Command::Login(arguments) => block_on(session::login(choice::hub(remote)?, &arguments)),
        Command::Logout => session::logout(&choice::address(&remote)?),
        Command::Whoami => {
            let client = choice::hub(remote)?;
            block_on(session::who_am_i(&client, output))
        }
        Command::Event(cli::Event::List { query, limit }) => {
            block_on(event::list(&backend(remote, source)?, output, query, limit))
        }
        Command::Event(cli::Event::Verify { head, from }) => {
            let source = with_local_settings(on_this_machine(remote, source)?)?;
            block_on(event::verify(&source, output, head, from))
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "cluster-manager", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Where a command looks: at the hub that is named, else in the database that is, else where was signed in to last.
fn backend(remote: cli::Remote, source: Source) -> Result<Backend, Failure> {
    if choice::is_named(&remote) {
        return Ok(Backend::Remote(choice::hub(remote)?));
    }
    let source = with_local_settings(source)?;
    if source.says(&table::CONFIG_FILE) || source.says(&table::DB_HOST) {
        return Ok(Backend::local(source));
    }
    let Some(client) = choice::remembered(&remote)? else { return Ok(Backend::local(source)) };
    if std::io::stderr().is_terminal() {
        note(&format!("({})", client.hub()));
    }
    Ok(Backend::Remote(client))
}

/// For commands that are about this machine.
fn on_this_machine(remote: cli::Remote, source: Source) -> Result<Source, Failure> {
    if remote.remote.is_some() {
        return Err(Failure::Usage(
            "this command works on the hub itself, not over its API: leave out --remote".to_owned(),
        ));
    }
    Ok(source)
}

/// The service that this process is, where no subcommand of ours says it: by `SERVICE`, or by the name under which
/// the existing program's command line is known.
fn service_without_subcommand(source: &Source, arguments: &[OsString]) -> Result<Option<String>, Failure> {
    let is_older_name = arguments
        .first()
        .is_some_and(|program| Path::new(program).file_name() == Some("microcloud-cluster-manager".as_ref()));
    let asks_to_enroll = arguments.get(1).is_some_and(|argument| argument == "enroll");
    let service = source.text(&table::SERVICE)?;
    Ok(match service.as_deref() {
        Some("cli") if asks_to_enroll || is_older_name => service,
        _ if is_older_name && (asks_to_enroll || service.is_none()) => Some("cli".to_owned()),
        Some(_) if arguments.len() == 1 => service,
        _ => None,
    })
}

/// The existing program's command line.
fn older(source: &Source, arguments: &[OsString]) -> Result<(), Failure> {
    let OlderCommand::Enroll { name, description, expire } = OlderCli::parse_from(arguments).command;
    block_on(token::enroll(source, name, description, expire))
}

/// Where nothing says which database, the one of `cluster-manager local` in the current folder is meant, if it is
/// ours.
fn with_local_settings(source: Source) -> Result<Source, Failure> {
    let path = PathBuf::from(LOCAL_SETTINGS);
    if source.says(&table::CONFIG_FILE) || source.says(&table::DB_HOST) || !is_ours(&path) {
        return Ok(source);
    }
    if std::io::stderr().is_terminal() {
        note(&format!("(settings from {LOCAL_SETTINGS})"));
    }
    Ok(source.with_file(&path)?)
}

/// Whether the file belongs to whoever runs this: a folder that somebody else prepared must not direct us.
fn is_ours(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path)
        .is_ok_and(|file| file.is_file() && file.uid() == rustix::process::geteuid().as_raw())
}

/// Runs a command that ends by itself.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime()?.block_on(command)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::other)
}
