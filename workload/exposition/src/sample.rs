//! A sample, borrowed from the text, and the reasons why a line is not one.

use std::borrow::Cow;

/// One sample. `'t` is the lifetime of the text, `'l` that of the parser's list of labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'l, 't> {
    /// The metric's name.
    pub name: &'t str,
    /// The labels in the order of the text, each name once.
    pub labels: &'l [Label<'t>],
    /// Whether the labels are in ascending order of their names, as LXD writes them.
    pub is_sorted: bool,
    /// The value; may be infinite or not a number.
    pub value: f64,
    /// The timestamp in milliseconds since the Unix epoch, if the line has one.
    pub timestamp_millis: Option<i64>,
}

/// A label of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'t> {
    /// The label's name.
    pub name: &'t str,
    /// The label's value.
    pub value: LabelValue<'t>,
}

/// A label's value as it is written in the text, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelValue<'t> {
    raw: &'t str,
    is_escaped: bool,
}

/// Why a line is not a sample. The texts appear in `relay explain` and as values of a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[expect(missing_docs, reason = "the texts document the variants")]
pub enum BadLine {
    #[error("longer than 64 KiB")]
    TooLong,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("the metric name is missing")]
    Name,
    #[error("the labels have no closing brace")]
    UnfinishedLabels,
    #[error("invalid label name")]
    LabelName,
    #[error("invalid label value")]
    LabelValue,
    #[error("duplicate label")]
    DuplicateLabel,
    #[error("more than 128 labels")]
    TooManyLabels,
    #[error("the value is missing")]
    Value,
    #[error("invalid timestamp")]
    Timestamp,
    #[error("unexpected text after the sample")]
    Trailing,
}

/// A sample without its labels, which the parser keeps.
pub(super) struct Head<'t> {
    pub(super) name: &'t str,
    pub(super) is_sorted: bool,
    pub(super) value: f64,
    pub(super) timestamp_millis: Option<i64>,
}

impl<'t> Head<'t> {
    pub(super) fn with<'l>(self, labels: &'l [Label<'t>]) -> Sample<'l, 't> {
        let Self { name, is_sorted, value, timestamp_millis } = self;
        Sample { name, labels, is_sorted, value, timestamp_millis }
    }
}

impl<'t> LabelValue<'t> {
    /// A value without escapes.
    pub const fn plain(text: &'t str) -> Self {
        Self { raw: text, is_escaped: false }
    }

    /// A value that contains a backslash.
    pub(super) const fn escaped(raw: &'t str) -> Self {
        Self { raw, is_escaped: true }
    }

    /// Whether it is empty, which means the same as no label at all.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The unescaped value.
    pub fn text(&self) -> Cow<'t, str> {
        if !self.is_escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        self.unescaped_parts(|part| text.push_str(part));
        Cow::Owned(text)
    }

    /// The length of the unescaped value in bytes.
    pub fn len(&self) -> usize {
        if !self.is_escaped {
            return self.raw.len();
        }
        let mut length = 0;
        self.unescaped_parts(|part| length += part.len());
        length
    }

    /// Appends the unescaped value.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        if self.is_escaped {
            self.unescaped_parts(|part| out.extend_from_slice(part.as_bytes()));
        } else {
            out.extend_from_slice(self.raw.as_bytes());
        }
    }

    /// Calls `take` with each part of the unescaped value.
    ///
    /// As in Prometheus, a backslash that is not followed by a backslash, a quote or an `n` stands for itself.
    fn unescaped_parts(&self, mut take: impl FnMut(&str)) {
        let mut rest = self.raw;
        while let Some(at) = rest.find('\\') {
            let (before, behind) = rest.split_at(at);
            take(before);
            let unescaped = match behind.as_bytes().get(1) {
                Some(b'\\') => "\\",
                Some(b'"') => "\"",
                Some(b'n') => "\n",
                _ => {
                    take("\\");
                    rest = &behind[1..];
                    continue;
                }
            };
            take(unescaped);
            rest = &behind[2..];
        }
        take(rest);
    }
}
