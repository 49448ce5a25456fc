//! The batches of one shard, and which of them is sent next.

use std::collections::VecDeque;

use super::entry::Entry;
use super::owners::Owners;

/// The batches of one shard.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) waiting: VecDeque<Entry>,
    pub(super) in_flight: Option<Entry>,
    /// How many of the waiting batches have an owner.
    pub(super) owned: usize,
    /// Whether the batch that was taken last was shared.
    pub(super) was_shared: bool,
}

impl Shard {
    /// The batch that is sent next.
    pub(super) fn next(&self, owners: &Owners) -> Option<usize> {
        if self.owned == 0 {
            return (!self.waiting.is_empty()).then_some(0);
        }
        let shared = self.waiting.iter().position(|entry| entry.owner.is_none());
        if shared.is_some() && !self.was_shared {
            return shared;
        }
        let oldest_shared = shared.map_or(u64::MAX, |at| self.waiting[at].number);
        let owned = self.waiting.iter().enumerate().filter_map(|(at, entry)| {
            let turn = owners.turn(entry.owner.as_ref()?, oldest_shared)?;
            Some((turn, at))
        });
        owned.min().map(|(_, at)| at).or(shared)
    }

    /// Removes a batch that waits.
    pub(super) fn remove(&mut self, at: usize) -> Option<Entry> {
        let entry = self.waiting.remove(at)?;
        self.owned -= usize::from(entry.owner.is_some());
        Some(entry)
    }
}
