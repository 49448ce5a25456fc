//! Writes and reads the few messages of remote write 1.0.
//!
//! ```text
//! WriteRequest { 1: repeated TimeSeries }
//! TimeSeries   { 1: repeated Label, 2: repeated Sample }
//! Label        { 1: string name, 2: string value }
//! Sample       { 1: double value, 2: int64 milliseconds }
//! ```

use std::ops::Range;

use crate::labels::SeriesLabel;
use crate::time::UnixMillis;

/// The value that marks the end of a series.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;
/// The value that Prometheus stores for every other NaN.
pub const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;

/// Field 1, length-delimited.
const FIRST: u8 = 1 << 3 | 2;
/// Field 2, length-delimited.
const SECOND: u8 = 2 << 3 | 2;
/// Field 1 of a sample: eight bytes.
const VALUE: u8 = 1 << 3 | 1;
/// Field 2 of a sample: a varint.
const TIMESTAMP: u8 = 2 << 3;

/// Appends a time series with one sample to a request. Returns the range of its labels.
pub(super) fn write_series(
    labels: &[SeriesLabel<'_>],
    value: f64,
    at: UnixMillis,
    out: &mut Vec<u8>,
) -> Range<usize> {
    let labels_length: usize = labels.iter().map(|label| field_length(label_length(label))).sum();
    let sample_length = sample_length(at);
    write_length(FIRST, labels_length + field_length(sample_length), out);
    let start = out.len();
    for label in labels {
        write_length(FIRST, label_length(label), out);
        write_length(FIRST, label.name.len(), out);
        out.extend_from_slice(label.name.as_bytes());
        write_length(SECOND, label.value.len(), out);
        label.value.write_to(out);
    }
    let end = out.len();
    let bits = if value.is_nan() { NORMAL_NAN } else { value.to_bits() };
    write_sample(bits, at, sample_length, out);
    start..end
}

/// Appends the end marker of a series whose labels are those of another request.
pub(super) fn write_stale(labels: &[u8], at: UnixMillis, out: &mut Vec<u8>) {
    let sample_length = sample_length(at);
    write_length(FIRST, labels.len() + field_length(sample_length), out);
    out.extend_from_slice(labels);
    write_sample(STALE_NAN, at, sample_length, out);
}

fn write_sample(bits: u64, at: UnixMillis, length: usize, out: &mut Vec<u8>) {
    write_length(SECOND, length, out);
    out.push(VALUE);
    out.extend_from_slice(&bits.to_le_bytes());
    if at.0 != 0 {
        out.push(TIMESTAMP);
        write_varint(at.0.cast_unsigned(), out);
    }
}

/// The length of a sample. A timestamp of zero is the default and is left out.
const fn sample_length(at: UnixMillis) -> usize {
    9 + if at.0 == 0 { 0 } else { 1 + varint_length(at.0.cast_unsigned()) }
}

fn label_length(label: &SeriesLabel<'_>) -> usize {
    field_length(label.name.len()) + field_length(label.value.len())
}

/// The length of a field, including its tag and its length prefix.
const fn field_length(length: usize) -> usize {
    1 + varint_length(length as u64) + length
}

const fn varint_length(number: u64) -> usize {
    // One byte for each group of seven bits.
    (64 - (number | 1).leading_zeros()).div_ceil(7) as usize
}

fn write_length(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    write_varint(length as u64, out);
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "the low seven bits are meant")]
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is less than 128")]
    out.push(number as u8);
}

/// One time series of a request that this module wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EncodedSeries<'a> {
    /// The whole series with its tag and length.
    pub(super) whole: &'a [u8],
    /// The labels, each with its tag and length. They identify the series.
    pub(super) labels: &'a [u8],
}

struct Field<'a> {
    tag: u8,
    whole: &'a [u8],
    content: &'a [u8],
}

/// The series of a request. Ends early if the request was not written by this module.
pub(super) fn encoded_series(mut request: &[u8]) -> impl Iterator<Item = EncodedSeries<'_>> {
    std::iter::from_fn(move || {
        let series = field(&mut request).filter(|field| field.tag == FIRST)?;
        let mut rest = series.content;
        let mut labels = 0;
        while let Some(label) = field(&mut rest).filter(|field| field.tag == FIRST) {
            labels += label.whole.len();
        }
        Some(EncodedSeries { whole: series.whole, labels: series.content.get(..labels)? })
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let (tag, behind) = rest.split_first()?;
    let mut length = 0;
    for (index, byte) in behind.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let start = index + 2;
            let content = rest.get(start..start.checked_add(length)?)?;
            let (whole, left) = rest.split_at(start + length);
            *rest = left;
            return Some(Field { tag: *tag, whole, content });
        }
    }
    None
}
