//! What a line of an exposition says, by reference.

use std::borrow::Cow;

use crate::time::UnixMillis;

/// One sample. `'t` is the text's lifetime, `'l` that of the parser's list of labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'l, 't> {
    /// The metric's name.
    pub name: &'t str,
    /// Its labels in the text's order, each name once.
    pub labels: &'l [Label<'t>],
    /// Whether the labels' names ascend, as LXD writes them.
    pub is_sorted: bool,
    /// The value; may be not a number or infinite.
    pub value: f64,
    /// The moment, if the line names one.
    pub timestamp: Option<UnixMillis>,
}

/// A label of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its value.
    pub value: LabelValue<'t>,
}

/// A label's value as the text has it, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelValue<'t> {
    raw: &'t str,
    is_escaped: bool,
}

/// Why a line is no sample. The words name it in counters and in explanations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum BadLine {
    #[error("longer than 64 KiB")]
    TooLong,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("no metric name")]
    Name,
    #[error("labels that do not end")]
    UnfinishedLabels,
    #[error("a label's name")]
    LabelName,
    #[error("a label's value")]
    LabelValue,
    #[error("the same label twice")]
    DuplicateLabel,
    #[error("more than 128 labels")]
    TooManyLabels,
    #[error("no value")]
    Value,
    #[error("a time stamp")]
    Timestamp,
    #[error("something behind the sample")]
    Trailing,
}

/// A sample whose labels are still on their way into the list.
pub(super) struct Head<'t> {
    pub(super) name: &'t str,
    pub(super) is_sorted: bool,
    pub(super) value: f64,
    pub(super) timestamp: Option<UnixMillis>,
}

impl<'t> Head<'t> {
    pub(super) fn with<'l>(self, labels: &'l [Label<'t>]) -> Sample<'l, 't> {
        let Self { name, is_sorted, value, timestamp } = self;
        Sample { name, labels, is_sorted, value, timestamp }
    }
}

impl<'t> LabelValue<'t> {
    /// A value that is meant as it stands.
    pub const fn plain(text: &'t str) -> Self {
        Self { raw: text, is_escaped: false }
    }

    /// A value that holds a backslash.
    pub(super) const fn escaped(raw: &'t str) -> Self {
        Self { raw, is_escaped: true }
    }

    /// Whether it is the empty text, which is the same as no label at all.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// What it means.
    pub fn text(&self) -> Cow<'t, str> {
        if !self.is_escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        self.pieces(|piece| text.push_str(piece));
        Cow::Owned(text)
    }

    /// How many bytes it means.
    pub fn len(&self) -> usize {
        if !self.is_escaped {
            return self.raw.len();
        }
        let mut length = 0;
        self.pieces(|piece| length += piece.len());
        length
    }

    /// Appends what it means.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        if self.is_escaped {
            self.pieces(|piece| out.extend_from_slice(piece.as_bytes()));
        } else {
            out.extend_from_slice(self.raw.as_bytes());
        }
    }

    /// A backslash before anything but itself, a quote or an `n` stands for itself, as Prometheus has it.
    fn pieces(&self, mut take: impl FnMut(&str)) {
        let mut rest = self.raw;
        while let Some(at) = rest.find('\\') {
            let (before, behind) = rest.split_at(at);
            take(before);
            let meant = match behind.as_bytes().get(1) {
                Some(b'\\') => "\\",
                Some(b'"') => "\"",
                Some(b'n') => "\n",
                _ => {
                    take("\\");
                    rest = &behind[1..];
                    continue;
                }
            };
            take(meant);
            rest = &behind[2..];
        }
        take(rest);
    }
}
