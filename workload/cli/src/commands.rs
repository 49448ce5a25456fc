//! Dispatch: which command runs, and on which hub.

mod cluster;
mod event;
mod hub_choice;
mod migrate;
mod person_session;
mod service_account;
mod session;
mod token;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use settings::{Source, table};

use crate::arguments::{self, Cli, Command, LegacyCli, LegacyCommand};
use crate::backend::Backend;
use crate::output::{note, one_line};
use crate::runtime::block_on;
use crate::{Failure, Services, private_file};

/// Where `cluster-manager local` writes its settings for the other commands.
const LOCAL_SETTINGS: &str = ".local/config.yaml";

/// Runs the command that the command line or the environment asks for.
pub fn main(services: &'static dyn Services) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match run(services, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Some of its text may come from a hub or a database.
            note(&one_line(&format!("cluster-manager: {failure}")));
            failure.exit_code()
        }
    }
}

fn run(services: &'static dyn Services, arguments: &[OsString]) -> Result<(), Failure> {
    let source = Source::from_environment()?;
    if let Some(service) = service_without_subcommand(&source, arguments)? {
        return match service.as_str() {
            "cli" => run_legacy(services, &source, arguments),
            "management-api" | "cluster-connector" => services.serve_one(&source, &service),
            other => Err(settings::source::invalid(&table::SERVICE, other).into()),
        };
    }
    let Cli { output, remote, command } = Cli::parse_from(arguments);
    match command {
        Command::Serve(arguments) => services.serve(&on_this_machine(&remote, source)?, &arguments),
        Command::Local(arguments) => {
            on_this_machine(&remote, source)?;
            services.local(&arguments)
        }
        Command::Migrate => block_on(migrate::run(&on_the_hub(&remote, source)?)),
        Command::Relay(arguments::Relay::Explain(arguments)) => {
            services.explain_relay(&source, output, &arguments)
        }
        Command::Token(command) => block_on(token::run(&backend(services, remote, source)?, output, command)),
        Command::Cluster(command) => {
            block_on(cluster::run(&backend(services, remote, source)?, output, command))
        }
        Command::ServiceAccount(command) => {
            block_on(service_account::run(&backend(services, remote, source)?, output, command))
        }
        Command::Session(command) => {
            block_on(person_session::run(&backend(services, remote, source)?, output, command))
        }
        Command::Login(arguments) => block_on(session::login(hub_choice::hub(remote)?, &arguments)),
        Command::Logout => session::logout(&hub_choice::address(&remote)?),
        Command::Whoami => {
            let client = hub_choice::hub(remote)?;
            block_on(session::who_am_i(&client, output))
        }
        Command::Event(arguments::Event::List { query, limit }) => {
            block_on(event::list(&backend(services, remote, source)?, output, query, limit))
        }
        Command::Event(arguments::Event::Verify { head, from }) => {
            let source = on_the_hub(&remote, source)?;
            block_on(event::verify(&source, output, head, from))
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "cluster-manager", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Chooses the hub: the one that is named, else the configured database, else the hub of the last sign-in.
fn backend(
    services: &'static dyn Services,
    remote: arguments::Remote,
    source: Source,
) -> Result<Backend, Failure> {
    if hub_choice::is_named(&remote) {
        return Ok(Backend::Remote(hub_choice::hub(remote)?));
    }
    let source = with_local_settings(source)?;
    if names_database(&source) {
        return Ok(Backend::local(source, services));
    }
    let Some(client) = hub_choice::last_signed_in(&remote)? else {
        return Ok(Backend::local(source, services));
    };
    if std::io::stderr().is_terminal() {
        note(&format!("(using {})", client.hub()));
    }
    Ok(Backend::Remote(client))
}

/// Refuses `--remote` for a command that works on this machine only.
fn on_this_machine(remote: &arguments::Remote, source: Source) -> Result<Source, Failure> {
    if remote.remote.is_some() {
        return Err(Failure::Usage(
            "this command does not work over the API: run it on the hub itself, without --remote".to_owned(),
        ));
    }
    Ok(source)
}

/// The settings for a command that needs the hub's database and keys, which the API does not offer. Without settings here,
/// somebody who uses a hub over the API learns that, rather than that some database does not respond.
fn on_the_hub(remote: &arguments::Remote, source: Source) -> Result<Source, Failure> {
    let source = with_local_settings(on_this_machine(remote, source)?)?;
    if names_database(&source) || !hub_choice::is_remote_in_use(remote)? {
        return Ok(source);
    }
    Err(Failure::Usage(
        "this command does not work over the API: run it on the hub itself, where the hub's settings are"
            .to_owned(),
    ))
}

/// Returns the service to run if no subcommand selects one: the one in `SERVICE`, or `cli` under the name of the program
/// that this one replaces.
fn service_without_subcommand(source: &Source, arguments: &[OsString]) -> Result<Option<String>, Failure> {
    let has_legacy_name = arguments
        .first()
        .is_some_and(|program| Path::new(program).file_name() == Some("microcloud-cluster-manager".as_ref()));
    let is_enroll = arguments.get(1).is_some_and(|argument| argument == "enroll");
    let service = source.text(&table::SERVICE)?;
    Ok(match service.as_deref() {
        Some("cli") if is_enroll || has_legacy_name => service,
        _ if has_legacy_name && (is_enroll || service.is_none()) => Some("cli".to_owned()),
        Some(_) if arguments.len() == 1 => service,
        _ => None,
    })
}

fn run_legacy(
    services: &'static dyn Services,
    source: &Source,
    arguments: &[OsString],
) -> Result<(), Failure> {
    let LegacyCommand::Enroll { name, description, expire } = LegacyCli::parse_from(arguments).command;
    block_on(token::enroll(services, source, name, description, expire))
}

/// Adds the settings that `cluster-manager local` left in the current folder, unless a database is configured.
fn with_local_settings(source: Source) -> Result<Source, Failure> {
    let path = PathBuf::from(LOCAL_SETTINGS);
    if names_database(&source) || !path.exists() {
        return Ok(source);
    }
    if !private_file::belongs_to_caller_only(&path) {
        note(&format!(
            "(not using the settings in {LOCAL_SETTINGS}: it does not belong to you, or others can write it)"
        ));
        return Ok(source);
    }
    if std::io::stderr().is_terminal() {
        note(&format!("(using the settings in {LOCAL_SETTINGS})"));
    }
    Ok(source.with_file(&path)?)
}

fn names_database(source: &Source) -> bool {
    source.is_set(&table::CONFIG_FILE) || source.is_set(&table::DB_HOST)
}
