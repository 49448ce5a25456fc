//! The program `fleetsim`; see `agent::fleetsim`.

use std::process::ExitCode;

use agent::fleetsim::{Options, ReportFormat, run_until};
use agent::process::{log_to_stderr, wait_for_stop_signal};
use agent::terminal;
use clap::Parser as _;

/// A fast allocator, because the simulator shares the machine with the hub that it measures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    log_to_stderr();
    let options = Options::parse();
    let (format, fail_on_errors) = (options.report, options.fail_on_errors);
    match run_until(options, wait_for_stop_signal()).await {
        Ok(report) => {
            match format {
                ReportFormat::Table => terminal::line(&report.to_string()),
                ReportFormat::Json => terminal::json(&report),
            }
            ExitCode::from(u8::from(fail_on_errors && report.errors() > 0))
        }
        Err(error) => {
            terminal::error(&format!("fleetsim: {error}"));
            ExitCode::FAILURE
        }
    }
}
