//! Reads the Prometheus text format and OpenMetrics, as far as both agree on what a sample is.
//!
//! Nothing is copied: names and label values are slices of the text. A line that is none costs that line alone, and
//! says why. What kind a metric is makes no difference to its samples, so comments are passed over.

mod json;
mod lexer;
mod sample;

pub use json::unescape;
pub use sample::{BadLine, Label, LabelValue, Sample};

use lexer::Line;

/// The longest line, in bytes: longer than any exporter writes, and short enough for any sink.
const MAX_LINE: usize = 64 * 1024;

/// The samples of one exposition, line by line.
///
/// It lends what it read: a [`Sample`]'s labels stand in the parser until the next line is read.
pub struct Parser<'t> {
    rest: &'t [u8],
    labels: Vec<Label<'t>>,
    seconds: bool,
    line: usize,
}

impl<'t> Parser<'t> {
    /// Reads this text.
    ///
    /// OpenMetrics has time stamps in seconds, the older format in milliseconds. A text that ends with `# EOF` is
    /// OpenMetrics, or LXD's older format with that line added: there a whole number that would lie before 1973 if it
    /// were milliseconds is seconds. A number with a fraction always is.
    pub fn new(text: &'t [u8]) -> Self {
        let seconds = text.trim_ascii_end().ends_with(b"# EOF");
        Self { rest: text, labels: Vec::new(), seconds, line: 0 }
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next sample, or why a line holds none. None at the end.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Sample<'_, 't>, BadLine>> {
        loop {
            let line = self.next_line()?;
            let line = line.trim_ascii();
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            if line.len() > MAX_LINE {
                return Some(Err(BadLine::TooLong));
            }
            let Ok(text) = std::str::from_utf8(line) else { return Some(Err(BadLine::NotUtf8)) };
            self.labels.clear();
            let sample = Line::new(text).sample(&mut self.labels, self.seconds);
            return Some(sample.map(|sample| sample.with(&self.labels)));
        }
    }

    fn next_line(&mut self) -> Option<&'t [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = match memchr::memchr(b'\n', self.rest) {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        self.line += 1;
        Some(line)
    }
}

#[cfg(test)]
mod tests;
