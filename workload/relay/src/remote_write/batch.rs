//! What goes to a sink at once: a request, compressed, with what must be known of it without looking inside.

use std::collections::HashSet;
use std::hash::BuildHasher as _;

use bytes::Bytes;

use super::protobuf::{EncodedSeries, encoded_series, write_series, write_stale};
use super::snappy::{Compressor, decompress};
use crate::labels::{Origin, SeriesLabel};
use crate::time::UnixMillis;

/// A request as it is sent. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The body.
    pub body: Bytes,
    /// How many samples are in it.
    pub samples: u32,
    /// The youngest of their time stamps.
    pub newest: UnixMillis,
}

/// Gathers series into a batch. It keeps its buffers when it is emptied.
#[derive(Default)]
pub struct BatchBuilder {
    request: Vec<u8>,
    samples: u32,
    newest: Option<UnixMillis>,
    compressor: Compressor,
}

/// Which series were in an exposition, by a number of each: two have the same one so rarely that it never happens.
#[derive(Debug, Default)]
pub struct Seen {
    numbers: HashSet<u64, foldhash::fast::RandomState>,
    hasher: foldhash::fast::RandomState,
}

impl Seen {
    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.numbers.clear();
    }

    fn add(&mut self, labels: &[u8]) -> bool {
        self.numbers.insert(self.hasher.hash_one(labels))
    }
}

/// Which series were marked as ended.
#[derive(Debug, Default)]
pub struct Marked(HashSet<Box<[u8]>>);

/// Series that a sink refused, up to a number of them.
#[derive(Debug, Default)]
pub struct Suspects(HashSet<Box<[u8]>>);

impl Suspects {
    const MOST: usize = 4096;

    /// Remembers the series of a batch. Where there are too many, all others are forgotten: they are found again.
    pub fn remember(&mut self, batch: &Batch) {
        let Ok(request) = batch.request() else { return };
        for series in encoded_series(&request) {
            if self.0.len() == Self::MOST {
                self.0.clear();
            }
            self.0.insert(series.labels.into());
        }
    }

    /// Forgets the series of a batch, which the sink takes now.
    pub fn forget(&mut self, batch: &Batch) {
        if self.0.is_empty() {
            return;
        }
        let Ok(request) = batch.request() else { return };
        for series in encoded_series(&request) {
            self.0.remove(series.labels);
        }
    }
}

/// A body that is no compressed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch cannot be read")]
pub struct Malformed;

impl BatchBuilder {
    /// Adds a series with one sample. The labels must be in order.
    pub fn push(&mut self, labels: &[SeriesLabel<'_>], value: f64, at: UnixMillis) {
        write_series(labels, value, at, &mut self.request);
        self.count(at);
    }

    /// Adds a series with one sample, if it has not been seen. Says whether it was added.
    pub fn push_once(
        &mut self,
        labels: &[SeriesLabel<'_>],
        value: f64,
        at: UnixMillis,
        seen: &mut Seen,
    ) -> bool {
        let start = self.request.len();
        let labels = write_series(labels, value, at, &mut self.request);
        let is_new = seen.add(&self.request[labels]);
        if is_new {
            self.count(at);
        } else {
            self.request.truncate(start);
        }
        is_new
    }

    /// Adds, for each series of this origin in an earlier batch, the mark that it has ended. What was marked before is
    /// in the set, and is not marked again. Does nothing for a batch that cannot be read.
    pub fn push_ended(&mut self, earlier: &Batch, origin: &Origin, at: UnixMillis, marked: &mut Marked) {
        let Ok(request) = earlier.request() else { return };
        for series in encoded_series(&request) {
            let is_label = |name, value: &str| series.label(name).unwrap_or_default() == value.as_bytes();
            let is_its_own = is_label("job", origin.job()) && is_label("instance", origin.member());
            if is_its_own && !marked.0.contains(series.labels) {
                write_stale(&series, at, &mut self.request);
                self.count(at);
                marked.0.insert(series.labels.into());
            }
        }
    }

    fn count(&mut self, at: UnixMillis) {
        self.samples += 1;
        self.newest = self.newest.max(Some(at));
    }

    /// How many samples it holds.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// How many bytes it holds, before they are compressed.
    pub fn bytes(&self) -> usize {
        self.request.len()
    }

    /// Takes what was gathered; None if there is nothing.
    pub fn finish(&mut self) -> Option<Batch> {
        let newest = self.newest.take()?;
        let body = self.compressor.compress(&self.request);
        self.request.clear();
        Some(Batch { body, samples: std::mem::take(&mut self.samples), newest })
    }
}

impl Batch {
    /// The request inside.
    pub fn request(&self) -> Result<Vec<u8>, Malformed> {
        decompress(&self.body)
    }

    /// Two batches with half of the series each, in order; None if it holds one series, or cannot be read.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let request = self.request().ok()?;
        let series: Vec<_> = encoded_series(&request).collect();
        if series.len() < 2 {
            return None;
        }
        let (first, second) = series.split_at(series.len() / 2);
        Some((self.part(first), self.part(second)))
    }

    /// The batch without these series, and each of them in a batch of its own. None if none of them is in it, or more
    /// than this, or nothing else.
    pub fn apart(&self, suspects: &Suspects, most: usize) -> Option<(Self, Vec<Self>)> {
        let request = self.request().ok()?;
        let (suspected, others): (Vec<_>, Vec<_>) =
            encoded_series(&request).partition(|series| suspects.0.contains(series.labels));
        if suspected.is_empty() || suspected.len() > most || others.is_empty() {
            return None;
        }
        let alone = suspected.iter().map(|series| self.part(std::slice::from_ref(series))).collect();
        Some((self.part(&others), alone))
    }

    fn part(&self, series: &[EncodedSeries<'_>]) -> Self {
        let request: Vec<u8> = series.iter().flat_map(|series| series.whole).copied().collect();
        // A series has one sample here.
        let samples = u32::try_from(series.len()).unwrap_or(u32::MAX);
        Self { body: Compressor::default().compress(&request), samples, newest: self.newest }
    }
}
