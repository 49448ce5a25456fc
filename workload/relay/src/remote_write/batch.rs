//! Batches: compressed requests, with the properties that the queue needs.

use std::collections::HashSet;

use bytes::Bytes;

use super::protobuf::{EncodedSeries, encoded_series, write_series, write_stale};
use super::snappy::{Compressor, decompress};
use crate::labels::SeriesLabel;
use crate::time::UnixMillis;

/// A compressed request. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The body of the request.
    pub body: Bytes,
    /// The number of samples.
    pub samples: u32,
    /// The newest timestamp of the samples.
    pub newest: UnixMillis,
}

/// Gathers series into a batch. Keeps its buffers for the next batch.
#[derive(Default)]
pub struct BatchBuilder {
    request: Vec<u8>,
    samples: u32,
    newest: Option<UnixMillis>,
    compressor: Compressor,
}

/// Series that a sink refused, up to a limit.
#[derive(Debug, Default)]
pub struct Suspects(HashSet<Box<[u8]>>);

impl Suspects {
    const MAX_SERIES: usize = 4096;

    /// Adds the series of a batch. At the limit, all others are removed first; they are found again when they are refused.
    pub fn add(&mut self, batch: &Batch) {
        let Ok(request) = batch.request() else { return };
        for series in encoded_series(&request) {
            if self.0.len() == Self::MAX_SERIES {
                self.0.clear();
            }
            self.0.insert(series.labels.into());
        }
    }

    /// Removes the series of a batch, which the sink accepted.
    pub fn remove(&mut self, batch: &Batch) {
        if self.0.is_empty() {
            return;
        }
        let Ok(request) = batch.request() else { return };
        for series in encoded_series(&request) {
            self.0.remove(series.labels);
        }
    }
}

/// The body is not a compressed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch cannot be read")]
pub struct Malformed;

impl BatchBuilder {
    /// Adds a series with one sample. The labels must be sorted by name.
    pub fn push(&mut self, labels: &[SeriesLabel<'_>], value: f64, at: UnixMillis) {
        write_series(labels, value, at, &mut self.request);
        self.count(at);
    }

    /// Adds a series with one sample if `decide`, which gets its labels as they are written, returns true.
    pub(crate) fn push_if(
        &mut self,
        labels: &[SeriesLabel<'_>],
        value: f64,
        at: UnixMillis,
        decide: impl FnOnce(&[u8]) -> bool,
    ) {
        let start = self.request.len();
        let labels = write_series(labels, value, at, &mut self.request);
        if decide(&self.request[labels]) {
            self.count(at);
        } else {
            self.request.truncate(start);
        }
    }

    /// Adds the end marker of a series with these labels, as they were written by [`Self::push_if`].
    pub(crate) fn push_ended(&mut self, labels: &[u8], at: UnixMillis) {
        write_stale(labels, at, &mut self.request);
        self.count(at);
    }

    fn count(&mut self, at: UnixMillis) {
        self.samples += 1;
        self.newest = self.newest.max(Some(at));
    }

    /// The number of samples so far.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// The size so far in bytes, before compression.
    pub fn bytes(&self) -> usize {
        self.request.len()
    }

    /// Takes the batch. `None` if it is empty.
    pub fn finish(&mut self) -> Option<Batch> {
        let newest = self.newest.take()?;
        let body = self.compressor.compress(&self.request);
        self.request.clear();
        Some(Batch { body, samples: std::mem::take(&mut self.samples), newest })
    }
}

impl Batch {
    /// The decompressed request.
    pub fn request(&self) -> Result<Vec<u8>, Malformed> {
        decompress(&self.body)
    }

    /// Two batches with half of the series each, in order. `None` if the batch contains one series or cannot be read.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let request = self.request().ok()?;
        let series: Vec<_> = encoded_series(&request).collect();
        if series.len() < 2 {
            return None;
        }
        let (first, second) = series.split_at(series.len() / 2);
        Some((self.part(first), self.part(second)))
    }

    /// The batch without the suspects, and each suspect in a batch of its own. `None` if the batch contains no suspects,
    /// more than `max_suspects`, or nothing else.
    pub fn without(&self, suspects: &Suspects, max_suspects: usize) -> Option<(Self, Vec<Self>)> {
        let request = self.request().ok()?;
        let (suspected, others): (Vec<_>, Vec<_>) =
            encoded_series(&request).partition(|series| suspects.0.contains(series.labels));
        if suspected.is_empty() || suspected.len() > max_suspects || others.is_empty() {
            return None;
        }
        let alone = suspected.iter().map(|series| self.part(std::slice::from_ref(series))).collect();
        Some((self.part(&others), alone))
    }

    fn part(&self, series: &[EncodedSeries<'_>]) -> Self {
        let request: Vec<u8> = series.iter().flat_map(|series| series.whole).copied().collect();
        // Each series has one sample.
        let samples = u32::try_from(series.len()).unwrap_or(u32::MAX);
        Self { body: Compressor::default().compress(&request), samples, newest: self.newest }
    }
}
