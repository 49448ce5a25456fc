//! The program `cluster-agent`; see `agent::cli`.

use std::process::ExitCode;

use agent::cli::{Cli, execute};
use agent::process::log_to_stderr;
use clap::Parser as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    execute(cli).await
}
