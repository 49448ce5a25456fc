//! Logging: to standard error, as text or JSON, with times in UTC.

use std::io::{self, IsTerminal as _, Write};

use cli::Failure;
use protocol::text::{escaped_json, escaped_log};
use settings::typed::Log;
use tracing_subscriber::EnvFilter;

/// Starts logging.
pub fn start(settings: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| Failure::Usage(format!("LOG_LEVEL is not a valid filter: {error}")))?;
    let (has_colours, is_json) = (std::io::stderr().is_terminal(), settings.is_json);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Writer { has_colours, is_json })
        .with_ansi(has_colours);
    let started = if is_json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_target(false).try_init()
    };
    started.map_err(Failure::other)
}

/// Standard error, one record at a time. Records contain texts of clusters, providers and callers, so control characters
/// and invisible ones are escaped.
struct Writer {
    has_colours: bool,
    is_json: bool,
}

impl Write for Writer {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let shown = if self.is_json { escaped_json(&text) } else { escaped_log(&text, self.has_colours) };
        io::stderr().write_all(shown.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
