//! The command line of `cluster-agent`.

mod directories;
mod error;
mod join;
mod leave;
mod run;
mod status;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use protocol::join_token::normalised;
use secrecy::{ExposeSecret as _, SecretString};

use crate::client::{ClientError, Proof};
use crate::terminal;
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
        #[arg(required_unless_present = "token_file", num_args = 1..)]
        token: Vec<String>,
        /// How to prove knowledge of the token
        #[arg(long, value_enum, default_value_t)]
        proof: Proof,
        /// Read the join token from this file
        #[arg(long, value_name = "FILE", conflicts_with = "token")]
        token_file: Option<PathBuf>,
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
            terminal::error(&format!("cluster-agent: {error}"));
            ExitCode::from(if matches!(error, CliError::NotJoined) { 3 } else { 1 })
        }
    }
}

async fn dispatch(directories: &Directories, command: Command) -> Result<(), CliError> {
    match command {
        Command::Join { token, token_file, proof } => {
            let token = read_token(&token, token_file.as_deref())?;
            join::join(directories, token.expose_secret(), proof).await
        }
        Command::Run { interval, once } => run::run(directories, interval, once).await,
        Command::Leave { force } => leave::leave(directories, force).await,
        Command::Status { json } => status::status(directories, json).await,
    }
}

/// The join token as the hub created it, whatever happened to it on its way. It comes from standard input if the argument
/// is `-`: everybody on the machine can see arguments. Blanks in a token that is not quoted split it into several arguments.
fn read_token(arguments: &[String], file: Option<&Path>) -> Result<SecretString, CliError> {
    let text = match (file, arguments) {
        (Some(file), _) => std::fs::read_to_string(file)?,
        (None, [dash]) if dash == "-" => std::io::read_to_string(std::io::stdin())?,
        (None, parts) => parts.concat(),
    };
    Ok(normalised(&text).map_err(ClientError::from)?)
}

#[cfg(test)]
mod tests;
