//! Logging: to standard error, as text or JSON, with times in UTC.

use std::io::IsTerminal as _;

use cli::Failure;
use settings::typed::Log;
use tracing_subscriber::EnvFilter;

/// Starts logging.
pub fn start(settings: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| Failure::Usage(format!("LOG_LEVEL is not a valid filter: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = if settings.is_json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_target(false).try_init()
    };
    started.map_err(Failure::other)
}
