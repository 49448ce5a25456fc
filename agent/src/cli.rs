//! The command line of `cluster-agent`.

mod directories;
mod error;
mod join;
mod leave;
mod run;
mod status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::Proof;
use directories::Directories;
use error::CliError;

/// Connects a plain LXD server or LXD cluster to a Cluster Manager hub.
///
/// Run it on one member. It reads LXD over its Unix socket, joins the hub with a join token that the hub's administrator
/// created, and sends a report every minute.
#[derive(Debug, Parser)]
#[command(
    name = "cluster-agent",
    version,
    max_term_width = 110,
    after_help = "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 this cluster has not joined a hub."
)]
pub struct Cli {
    #[command(flatten)]
    directories: Directories,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join a hub with a join token
    Join {
        /// The whole join token; - reads it from standard input
        token: String,
        /// How to prove knowledge of the token
        #[arg(long, value_enum, default_value_t)]
        proof: Proof,
    },
    /// Send reports to the hub until stopped
    Run {
        /// Time between reports [default: as the hub asks, initially 60]
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
        interval: Option<u64>,
        /// Send one report, print the result and exit
        #[arg(long)]
        once: bool,
    },
    /// Leave the hub
    Leave {
        /// Forget the hub even if it cannot be reached
        #[arg(long)]
        force: bool,
    },
    /// Show the joined hub and the result of the last report
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command and returns its exit code. Errors are printed to standard error.
pub async fn execute(cli: Cli) -> ExitCode {
    match dispatch(&cli.directories, cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster-agent: {error}");
            ExitCode::from(if matches!(error, CliError::NotJoined) { 3 } else { 1 })
        }
    }
}

async fn dispatch(directories: &Directories, command: Command) -> Result<(), CliError> {
    match command {
        Command::Join { token, proof } => join::join(directories, &token_or_stdin(token)?, proof).await,
        Command::Run { interval, once } => run::run(directories, interval, once).await,
        Command::Leave { force } => leave::leave(directories, force).await,
        Command::Status { json } => status::status(directories, json).await,
    }
}

/// Reads the token from standard input if the argument is `-`: everybody on the machine can see arguments.
fn token_or_stdin(token: String) -> Result<String, CliError> {
    let token = if token == "-" { std::io::read_to_string(std::io::stdin())? } else { token };
    Ok(token.trim().to_owned())
}

#[cfg(test)]
mod tests;
