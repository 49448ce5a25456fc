//! What both programs print. The hub chooses some of it, so control characters and invisible ones are escaped.

use std::io::{self, Write};

use protocol::text::{escaped_json, escaped_lines, escaped_log};
use serde::Serialize;

/// Prints lines on standard output.
pub fn line(text: &str) {
    println!("{}", escaped_lines(text.trim_end_matches('\n')));
}

/// Prints a value as JSON on standard output. The escapes are JSON's own, so the value stays the same.
pub fn json(value: &impl Serialize) {
    println!("{}", escaped_json(&serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// Prints lines on standard error.
pub fn error(text: &str) {
    eprintln!("{}", escaped_lines(text));
}

/// The standard error for the log, one record at a time.
pub(crate) struct LogWriter {
    pub(crate) has_colours: bool,
}

impl Write for LogWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        io::stderr().write_all(escaped_log(&text, self.has_colours).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
