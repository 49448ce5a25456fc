//! Takes one line apart, from left to right.

use crate::sample::{BadLine, Head, Label, LabelValue};

/// The most labels of one sample: more than any exporter writes. It bounds the cost of looking for duplicates.
const MAX_LABELS: usize = 128;
/// Timestamps of OpenMetrics below this are seconds. In milliseconds it is 1973, in seconds the year 5138.
const FIRST_PLAUSIBLE_MILLIS: i64 = 100_000_000_000;

/// May begin a name.
const FIRST: u8 = 1;
/// May continue a name.
const REST: u8 = 2;
/// The colon, which only metric names may contain.
const COLON: u8 = 4;
/// The classes of each byte, as bits.
const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphabetic() || byte == b'_' {
            class[byte as usize] = FIRST | REST;
        } else if byte.is_ascii_digit() {
            class[byte as usize] = REST;
        }
        byte += 1;
    }
    class[b':' as usize] = COLON;
    class
}

/// A line and the position up to which it was read. Slices begin and end next to ASCII characters, so they are valid UTF-8.
pub(super) struct Line<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Line<'t> {
    /// `text` is one sample, without white space around it.
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads the sample. Its labels are appended to `labels`.
    pub(super) fn sample(
        mut self,
        labels: &mut Vec<Label<'t>>,
        is_open_metrics: bool,
    ) -> Result<Head<'t>, BadLine> {
        let name = self.name(FIRST | COLON, REST | COLON).ok_or(BadLine::Name)?;
        self.skip_blanks();
        let is_sorted = if self.take(b'{') { self.labels(labels)? } else { true };
        let value = self.value()?;
        let timestamp_millis = self.timestamp_millis(is_open_metrics)?;
        self.end()?;
        Ok(Head { name, is_sorted, value, timestamp_millis })
    }

    /// Reads everything up to the closing brace. Returns whether the names are in ascending order.
    fn labels(&mut self, labels: &mut Vec<Label<'t>>) -> Result<bool, BadLine> {
        let mut is_sorted = true;
        loop {
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(is_sorted);
            }
            let label = self.label()?;
            if labels.last().is_some_and(|last| last.name >= label.name) {
                is_sorted = false;
            }
            if !is_sorted && labels.iter().any(|earlier| earlier.name == label.name) {
                return Err(BadLine::DuplicateLabel);
            }
            if labels.len() == MAX_LABELS {
                return Err(BadLine::TooManyLabels);
            }
            labels.push(label);
            self.skip_blanks();
            // Prometheus accepts labels without a comma between them.
            let goes_on = |next: u8| next == b'}' || CLASS[usize::from(next)] & FIRST != 0;
            if !self.take(b',') && !self.peek().is_some_and(goes_on) {
                return Err(BadLine::UnfinishedLabels);
            }
        }
    }

    fn label(&mut self) -> Result<Label<'t>, BadLine> {
        if self.peek().is_none() {
            return Err(BadLine::UnfinishedLabels);
        }
        let name = self.name(FIRST, REST).ok_or(BadLine::LabelName)?;
        // A label must not set the metric's name.
        if name == "__name__" {
            return Err(BadLine::LabelName);
        }
        self.skip_blanks();
        if !self.take(b'=') {
            return Err(BadLine::LabelName);
        }
        self.skip_blanks();
        if !self.take(b'"') {
            return Err(BadLine::LabelValue);
        }
        let value = self.quoted().ok_or(BadLine::LabelValue)?;
        Ok(Label { name, value })
    }

    /// Reads up to and including the closing quote.
    fn quoted(&mut self) -> Option<LabelValue<'t>> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        let mut is_escaped = false;
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        self.at = at + 1;
        // A skipped backslash may have led into the middle of a character, but a quote is always at the edge of one.
        let raw = self.text.get(start..at)?;
        Some(if is_escaped { LabelValue::escaped(raw) } else { LabelValue::plain(raw) })
    }

    fn value(&mut self) -> Result<f64, BadLine> {
        self.skip_blanks();
        let word = self.word();
        let value: f64 = word.parse().map_err(|_| BadLine::Value)?;
        // A number that is too large for a double would become infinite; Prometheus refuses it.
        let is_too_large = value.is_infinite() && word.contains(|letter: char| letter.is_ascii_digit());
        if is_too_large { Err(BadLine::Value) } else { Ok(value) }
    }

    fn timestamp_millis(&mut self, is_open_metrics: bool) -> Result<Option<i64>, BadLine> {
        self.skip_blanks();
        let (None | Some(b'#')) = self.peek() else {
            let word = self.word();
            return match word.parse::<i64>() {
                Ok(whole) if is_open_metrics && whole.abs() < FIRST_PLAUSIBLE_MILLIS => {
                    Ok(Some(whole * 1000))
                }
                Ok(whole) => Ok(Some(whole)),
                Err(_) => millis_of_seconds(word).map(Some).ok_or(BadLine::Timestamp),
            };
        };
        Ok(None)
    }

    /// Nothing may follow except an exemplar, which is skipped.
    fn end(&mut self) -> Result<(), BadLine> {
        self.skip_blanks();
        if self.peek().is_none() {
            return Ok(());
        }
        if !self.take(b'#') {
            return Err(BadLine::Trailing);
        }
        self.skip_blanks();
        if self.peek() == Some(b'{') { Ok(()) } else { Err(BadLine::Trailing) }
    }

    fn name(&mut self, first: u8, rest: u8) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if CLASS[usize::from(*bytes.get(start)?)] & first == 0 {
            return None;
        }
        let mut end = start + 1;
        while bytes.get(end).is_some_and(|byte| CLASS[usize::from(*byte)] & rest != 0) {
            end += 1;
        }
        self.at = end;
        self.text.get(start..end)
    }

    /// Reads up to the next blank.
    fn word(&mut self) -> &'t str {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|byte| is_blank(*byte)).unwrap_or(rest.len());
        self.at = start + length;
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Reads seconds with a fraction. `None` if milliseconds cannot count them.
fn millis_of_seconds(word: &str) -> Option<i64> {
    let millis = word.parse::<f64>().ok()? * 1000.0;
    // Up to here a double counts whole milliseconds exactly, and no calendar reaches it.
    if !millis.is_finite() || millis.abs() > 9e15 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked above")]
    Some(millis.round() as i64)
}
