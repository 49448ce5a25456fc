//! The series that a service exposed last, so that each of them can be ended.
//!
//! A set of fingerprints answers whether a series is known: one look-up for each sample, and nothing else where an
//! exposition has the series of the one before. The labels are only read when a series ends, so they are kept compressed.
//! Together they take about 25 bytes per series of an LXD.

mod blocks;
mod comparison;

use blocks::Block;
pub(crate) use comparison::{Comparison, Occurrence};

/// The fingerprint of a series: a hash of its labels. With 64 bits, two series of a cluster never have the same in practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

/// The series of one service.
#[derive(Debug, Default)]
pub(crate) struct KnownSeries {
    fingerprints: Fingerprints,
    /// The labels of the same series, in any order.
    blocks: Vec<Block>,
}

/// A set that is built once: a hash table with open addressing, at most three quarters full.
#[derive(Debug, Default)]
struct Fingerprints {
    /// Zero is an empty slot.
    slots: Box<[u64]>,
    count: usize,
}

impl Fingerprint {
    fn new(hash: u64) -> Self {
        Self(hash.max(1))
    }
}

impl KnownSeries {
    /// The number of series.
    pub(crate) fn count(&self) -> usize {
        self.fingerprints.count
    }

    /// Whether a series is among them.
    pub(crate) fn contains(&self, series: Fingerprint) -> bool {
        self.fingerprints.find(series).is_some()
    }

    /// The size in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.fingerprints.slots.len() * size_of::<u64>() + self.blocks.iter().map(Block::bytes).sum::<usize>()
    }

    /// Calls this with the labels of each series.
    pub(crate) fn for_each(&self, mut see: impl FnMut(&[u8])) {
        for block in &self.blocks {
            block.for_each(&mut see);
        }
    }
}

impl Fingerprints {
    /// The set of these, which all differ.
    fn new(all: impl ExactSizeIterator<Item = Fingerprint>) -> Self {
        let count = all.len();
        let mut set = Self { slots: vec![0; count.div_ceil(3) * 4].into(), count };
        for Fingerprint(hash) in all {
            let empty = set.probe(hash).find(|slot| set.slots[*slot] == 0);
            if let Some(slot) = empty {
                set.slots[slot] = hash;
            }
        }
        set
    }

    /// The slot of a series. It does not change as long as the set exists.
    fn find(&self, Fingerprint(hash): Fingerprint) -> Option<usize> {
        let found = self.probe(hash).find(|slot| self.slots[*slot] == hash || self.slots[*slot] == 0)?;
        (self.slots[found] == hash).then_some(found)
    }

    /// The slots in which a hash can be, in order. At least one of them is empty.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
        let first = ((u128::from(hash) * slots as u128) >> 64) as usize;
        (first..slots).chain(0..first)
    }
}

#[cfg(test)]
mod tests;
