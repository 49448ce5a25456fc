//! Compares an exposition with the one before it.

use std::collections::HashSet;
use std::hash::BuildHasher as _;

use super::blocks::BlockWriter;
use super::{Fingerprint, Fingerprints, KnownSeries};

/// A buffer with more entries than this is freed after use.
const MAX_KEPT_ENTRIES: usize = 64 * 1024;

/// One exposition, series by series. Keeps its buffers for the next one.
#[derive(Default)]
pub(crate) struct Comparison {
    hasher: foldhash::fast::RandomState,
    occurred: Occurred,
    matched: usize,
    /// The series that are not known.
    new: HashSet<Fingerprint, foldhash::fast::RandomState>,
    /// How many of them are remembered from now on.
    remembered: Vec<Fingerprint>,
    labels: BlockWriter,
}

/// For each slot of the known series, whether the series occurred in this exposition.
#[derive(Default)]
struct Occurred(Vec<u64>);

/// How a series occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occurrence {
    /// It was in the last exposition, too.
    Known,
    /// It was not.
    New(Fingerprint),
    /// It occurred before in this exposition.
    Repeated,
}

impl Comparison {
    /// Begins an exposition of a service with these series.
    pub(crate) fn begin(&mut self, known: &KnownSeries) {
        self.occurred.0.clear();
        self.occurred.0.resize(known.fingerprints.slots.len().div_ceil(64), 0);
        self.matched = 0;
        self.new.clear();
        self.remembered.clear();
        self.labels.finish();
    }

    /// The fingerprint of a series.
    pub(crate) fn fingerprint(&self, labels: &[u8]) -> Fingerprint {
        fingerprint(&self.hasher, labels)
    }

    /// Looks up a series, and notes that it occurred if it is known.
    pub(crate) fn note(&mut self, known: &KnownSeries, labels: &[u8]) -> Occurrence {
        let series = self.fingerprint(labels);
        let Some(slot) = known.fingerprints.find(series) else {
            return if self.new.contains(&series) { Occurrence::Repeated } else { Occurrence::New(series) };
        };
        if !self.occurred.set(slot) {
            return Occurrence::Repeated;
        }
        self.matched += 1;
        Occurrence::Known
    }

    /// Adds a series that is [`Occurrence::New`]. It is known to the next exposition if it is remembered.
    pub(crate) fn add(&mut self, series: Fingerprint, labels: &[u8], is_remembered: bool) {
        self.new.insert(series);
        if is_remembered {
            self.remembered.push(series);
            self.labels.push(labels);
        }
    }

    /// How many of the known series did not occur.
    pub(crate) fn ended(&self, known: &KnownSeries) -> usize {
        known.count() - self.matched
    }

    /// The number of series that were added, remembered or not.
    pub(crate) fn added(&self) -> usize {
        self.new.len()
    }

    /// The number of series that were added and are not remembered.
    pub(crate) fn forgotten(&self) -> usize {
        self.new.len() - self.remembered.len()
    }

    /// How many bytes the remembered series add, at most.
    pub(crate) fn added_bytes(&self) -> usize {
        self.labels.bytes() + self.remembered.len() * size_of::<u64>() * 4 / 3
    }

    /// Ends the exposition: calls `ended` for each series that did not occur, and returns those that are known from now on.
    pub(crate) fn finish(
        &mut self,
        known: KnownSeries,
        mut ended: impl FnMut(Fingerprint, &[u8]),
    ) -> KnownSeries {
        let has_ended = self.matched < known.count();
        if !has_ended && self.remembered.is_empty() {
            self.free();
            return known;
        }
        let KnownSeries { fingerprints, mut blocks } = known;
        if has_ended {
            blocks.retain(|block| {
                let mut is_whole = true;
                block.for_each(|labels| {
                    let series = fingerprint(&self.hasher, labels);
                    if !self.occurred.contains(&fingerprints, series) {
                        is_whole = false;
                        ended(series, labels);
                    }
                });
                if !is_whole {
                    block.for_each(|labels| {
                        let series = fingerprint(&self.hasher, labels);
                        if self.occurred.contains(&fingerprints, series) {
                            self.labels.push(labels);
                        }
                    });
                }
                is_whole
            });
        }
        let mut all = self.occurred.all(&fingerprints);
        all.append(&mut self.remembered);
        blocks.append(&mut self.labels.finish());
        let mut known = KnownSeries { fingerprints: Fingerprints::new(all.into_iter()), blocks };
        self.merge_blocks(&mut known);
        self.free();
        known
    }

    /// Writes all labels anew if they are in many small blocks.
    fn merge_blocks(&mut self, known: &mut KnownSeries) {
        if known.blocks.len() <= 4 + known.count() / 64 {
            return;
        }
        known.for_each(|labels| self.labels.push(labels));
        known.blocks = self.labels.finish();
    }

    fn free(&mut self) {
        if self.new.capacity() > MAX_KEPT_ENTRIES {
            self.new = HashSet::default();
            self.remembered = Vec::new();
        }
    }
}

impl Occurred {
    /// Returns whether the slot was not set before.
    fn set(&mut self, slot: usize) -> bool {
        let (word, bit) = (&mut self.0[slot / 64], 1 << (slot % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn has(&self, slot: usize) -> bool {
        self.0[slot / 64] & (1 << (slot % 64)) != 0
    }

    fn contains(&self, known: &Fingerprints, series: Fingerprint) -> bool {
        known.find(series).is_some_and(|slot| self.has(slot))
    }

    fn all(&self, known: &Fingerprints) -> Vec<Fingerprint> {
        let slots = known.slots.iter().enumerate();
        slots.filter(|(slot, _)| self.has(*slot)).map(|(_, hash)| Fingerprint(*hash)).collect()
    }
}

fn fingerprint(hasher: &foldhash::fast::RandomState, labels: &[u8]) -> Fingerprint {
    Fingerprint::new(hasher.hash_one(labels))
}
