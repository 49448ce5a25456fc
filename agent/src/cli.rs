//! `cluster-agent`'s commands: what can be asked for, and the way from there to an exit code.

mod join;
mod leave;
mod run;
mod status;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::client::{ClientError, Proof};
use crate::lxd::{Lxd, LxdError};
use crate::state::{StateDir, StateError};

/// Makes a plain LXD server or LXD cluster a site of a Cluster Manager hub.
///
/// Run it on one member: it reads LXD over its unix socket, joins the hub with a token that the hub's administrator
/// made, and reports to it every minute.
#[derive(Debug, Parser)]
#[command(
    name = "cluster-agent",
    version,
    max_term_width = 110,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 this cluster has not joined a hub."
)]
pub struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Places {
    /// Where keys and the joined hub are kept
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CLUSTER_AGENT_STATE_DIR",
        hide_env_values = true,
        default_value = "/var/lib/cluster-agent"
    )]
    state_dir: PathBuf,

    /// LXD's folder, which holds its unix.socket [default: /var/lib/lxd or /var/snap/lxd/common/lxd]
    #[arg(long, global = true, value_name = "DIR", env = "LXD_DIR", hide_env_values = true)]
    lxd_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join a hub with a token
    Join {
        /// The whole token, as the hub's administrator handed it out; - reads it from standard input
        token: String,
        /// How to prove that the token is at hand
        #[arg(long, value_enum, default_value_t)]
        proof: Proof,
    },
    /// Report to the hub until told to stop
    Run {
        /// Report every so many seconds [default: what the hub asks for, at first 60]
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
        interval: Option<u64>,
        /// Report once, and say how that went
        #[arg(long)]
        once: bool,
    },
    /// Leave the hub
    Leave {
        /// Forget the hub even if it cannot be told
        #[arg(long)]
        force: bool,
    },
    /// Say which hub was joined and how the last report went
    Status {
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("this cluster has not joined a hub: run `cluster-agent join TOKEN` first")]
    NotJoined,
    #[error("this cluster has already joined {hub} as {name}: run `cluster-agent leave` first")]
    AlreadyJoined { hub: String, name: String },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Lxd(#[from] LxdError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the token cannot be read: {0}")]
    Token(#[from] std::io::Error),
    #[error("the hub cannot be told: {0}\n(`cluster-agent leave --force` forgets it all the same)")]
    CannotTell(ClientError),
}

/// Runs a command to its end.
pub async fn execute(cli: Cli) -> ExitCode {
    match dispatch(&cli.places, cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster-agent: {error}");
            ExitCode::from(if matches!(error, CliError::NotJoined) { 3 } else { 1 })
        }
    }
}

async fn dispatch(places: &Places, command: Command) -> Result<(), CliError> {
    match command {
        Command::Join { token, proof } => join::join(places, &token_or_stdin(token)?, proof).await,
        Command::Run { interval, once } => run::run(places, interval, once).await,
        Command::Leave { force } => leave::leave(places, force).await,
        Command::Status { json } => status::status(places, json).await,
    }
}

/// Arguments can be seen by everyone on the machine, standard input cannot.
fn token_or_stdin(token: String) -> Result<String, CliError> {
    let token = if token == "-" { std::io::read_to_string(std::io::stdin())? } else { token };
    Ok(token.trim().to_owned())
}

impl Places {
    fn state(&self) -> Result<StateDir, StateError> {
        StateDir::open(&self.state_dir)
    }

    fn lxd(&self) -> Result<Lxd, LxdError> {
        Lxd::find(self.lxd_dir.as_deref())
    }
}

/// Logs go to standard error; `RUST_LOG` says how much.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    logs.with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).init();
}

/// Ready when the process is asked to end.
pub async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process as they always do.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests;
