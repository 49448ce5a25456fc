//! How much of a queue belongs to each cluster that has batches of its own.

use std::collections::HashMap;

use bytes::Bytes;
use protocol::ClusterName;

use super::entry::Entry;

/// A cluster with less than this part of the memory is not the heaviest.
const MIN_HEAVY_PART: usize = 16;

/// The clusters with batches of their own, waiting or in flight.
#[derive(Default)]
pub(super) struct Owners {
    all: HashMap<ClusterName, Owner>,
    served: u64,
}

#[derive(Default)]
struct Owner {
    batches: usize,
    memory_bytes: usize,
    disk_bytes: u64,
    /// The number of its first batch. Shared batches before it may contain the same series.
    first: u64,
    /// When a batch of it was taken last. Zero if none was.
    served: u64,
}

impl Owners {
    /// Adds a batch.
    pub(super) fn add(&mut self, entry: &Entry) {
        let Some(owner) = &entry.owner else { return };
        if !self.all.contains_key(owner) {
            self.all.insert(owner.clone(), Owner { first: entry.number, ..Owner::default() });
        }
        let Some(owner) = self.all.get_mut(owner) else { return };
        owner.batches += 1;
        owner.memory_bytes += entry.body.as_ref().map_or(0, Bytes::len);
        owner.disk_bytes += disk_bytes(entry);
    }

    /// Removes a batch.
    pub(super) fn remove(&mut self, entry: &Entry) {
        let Some(name) = &entry.owner else { return };
        let Some(owner) = self.all.get_mut(name) else { return };
        owner.batches -= 1;
        owner.memory_bytes -= entry.body.as_ref().map_or(0, Bytes::len);
        owner.disk_bytes -= disk_bytes(entry);
        if owner.batches == 0 {
            self.all.remove(name);
        }
    }

    /// Notes that the copy in memory of a batch on disk was freed.
    pub(super) fn leave_memory(&mut self, owner: Option<&ClusterName>, bytes: usize) {
        if let Some(owner) = owner.and_then(|owner| self.all.get_mut(owner)) {
            owner.memory_bytes -= bytes;
        }
    }

    /// Whether no cluster has a batch of its own.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The bytes on disk of a cluster.
    pub(super) fn disk_bytes(&self, owner: &ClusterName) -> u64 {
        self.all.get(owner).map_or(0, |owner| owner.disk_bytes)
    }

    /// The cluster with the most bytes in memory, if this one had `size` more. `None` if no cluster has a large part.
    pub(super) fn heaviest(
        &self,
        next: Option<&ClusterName>,
        size: usize,
        max_memory_bytes: usize,
    ) -> Option<ClusterName> {
        let bytes = |name: &ClusterName, owner: &Owner| {
            owner.memory_bytes + if next == Some(name) { size } else { 0 }
        };
        let (name, owner) = self.all.iter().max_by_key(|(name, owner)| bytes(name, owner))?;
        (bytes(name, owner) > max_memory_bytes / MIN_HEAVY_PART).then(|| name.clone())
    }

    /// Notes that a batch was taken.
    pub(super) fn serve(&mut self, owner: Option<&ClusterName>) {
        self.served += 1;
        if let Some(owner) = owner.and_then(|owner| self.all.get_mut(owner)) {
            owner.served = self.served;
        }
    }

    /// The turn of a cluster: the one that was served the longest ago is the next. `None` if a shared batch with this number
    /// must be sent first.
    pub(super) fn turn(&self, owner: &ClusterName, oldest_shared: u64) -> Option<u64> {
        let owner = self.all.get(owner)?;
        (owner.first < oldest_shared).then_some(owner.served)
    }
}

fn disk_bytes(entry: &Entry) -> u64 {
    if entry.location.is_some() { entry.size as u64 } else { 0 }
}
