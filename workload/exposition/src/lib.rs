//! Reads metrics in the Prometheus text format and in OpenMetrics, as far as both agree on what a sample is.
//!
//! Nothing is copied: names and label values are slices of the text. A malformed line costs only that line and is
//! reported with its reason. Samples do not depend on the type of their metric, so comments (`# TYPE`, `# HELP`) are
//! skipped.
//!
//! | module | holds |
//! |---|---|
//! | `lexer` | takes one line apart |
//! | `sample` | [`Sample`], [`Label`], [`LabelValue`] and [`BadLine`] |
//! | `json` | [`unescape`] for texts that arrive inside JSON |
//! | `pieces` | [`Pieces`] of a large text inside JSON, one in memory at a time |

mod json;
mod lexer;
mod pieces;
mod sample;

pub use json::unescape;
pub use pieces::Pieces;
pub use sample::{BadLine, Label, LabelValue, Sample};

use lexer::Line;

/// The longest line that is read, in bytes. No exporter writes longer ones, and every sink accepts this length.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// The last line of a text in OpenMetrics.
const END: &[u8] = b"# EOF";

/// The samples of one exposition, line by line.
///
/// A [`Sample`] borrows its labels from the parser, so it lives until the next line is read.
pub struct Parser<'t> {
    rest: &'t [u8],
    labels: Vec<Label<'t>>,
    is_open_metrics: bool,
    line: usize,
}

impl<'t> Parser<'t> {
    /// Reads this text.
    ///
    /// OpenMetrics has timestamps in seconds, the older format in milliseconds. A text that ends with `# EOF` is either
    /// OpenMetrics or LXD's older format with that line added. There, a whole number that would mean a time before
    /// 1973 as milliseconds is read as seconds. A number with a fraction is always in seconds.
    pub fn new(text: &'t [u8]) -> Self {
        Self::of_part(text, text.trim_ascii_end().ends_with(END))
    }

    /// Reads whole lines of a text, of which the caller knows whether it ends with `# EOF`.
    pub(crate) fn of_part(lines: &'t [u8], is_open_metrics: bool) -> Self {
        Self { rest: lines, labels: Vec::new(), is_open_metrics, line: 0 }
    }

    /// The number of the line that was read last, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next sample, or the reason why a line is malformed. `None` at the end.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Sample<'_, 't>, BadLine>> {
        loop {
            let line = self.next_line()?;
            let line = line.trim_ascii();
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            if line.len() > MAX_LINE_BYTES {
                return Some(Err(BadLine::TooLong));
            }
            let Ok(text) = std::str::from_utf8(line) else { return Some(Err(BadLine::NotUtf8)) };
            self.labels.clear();
            let sample = Line::new(text).sample(&mut self.labels, self.is_open_metrics);
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
