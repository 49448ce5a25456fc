//! The queue of a sink: bounded in memory, and on disk if there is a spool. Series stay in order.
//!
//! Most batches contain series of many clusters. A cluster that sends much has batches of its own. If the queue is full, it
//! loses its oldest ones first; without such a cluster, the oldest batch of all shards is dropped. Each shard alternates
//! between shared batches and those of such clusters, which take turns.

mod entry;
mod owners;
mod shard;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use entry::Entry;
use owners::Owners;
use protocol::ClusterName;
use shard::Shard;
use tokio::sync::Notify;

use crate::counts::{Cause, SinkCounts};
use crate::excess::{Budget, Excess};
use crate::remote_write::Batch;
use crate::spool::{Label, Location, Recovered, Spool};
use crate::time::UnixMillis;

pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Vec<Notify>,
    emptied: Notify,
    counts: SinkCounts,
    excess: Excess,
}

struct State {
    shards: Vec<Shard>,
    next_number: u64,
    memory_bytes: usize,
    max_memory_bytes: usize,
    spool: Option<Spool>,
    owners: Owners,
    /// The number of batches from an earlier run with another number of shards. They are all in the first shard, and the
    /// other shards wait until they are gone, so that each series stays in order.
    resharded: usize,
}

impl Queue {
    /// A queue with this many shards and at most this many bytes in memory. It begins with the batches in the spool.
    pub(crate) fn new(
        shards: u16,
        max_memory_bytes: usize,
        spool: Option<(Spool, Recovered)>,
        counts: SinkCounts,
        excess: Excess,
    ) -> Self {
        let count = usize::from(shards.max(1));
        let mut state = State {
            shards: std::iter::repeat_with(Shard::default).take(count).collect(),
            next_number: 0,
            memory_bytes: 0,
            max_memory_bytes,
            spool: None,
            owners: Owners::default(),
            resharded: 0,
        };
        if let Some((spool, recovered)) = spool {
            state.spool = Some(spool);
            state.recover(shards, recovered);
        }
        let arrived = std::iter::repeat_with(Notify::new).take(count).collect();
        let queue = Self { state: Mutex::new(state), arrived, emptied: Notify::new(), counts, excess };
        queue.lock().report(&queue.counts);
        queue
    }

    /// Adds a batch, which may contain series of one cluster only. Waits for the disk if there is a spool, and for nothing
    /// else.
    pub(crate) fn push(&self, shard: u16, batch: Batch, owner: Option<&ClusterName>) {
        let losers = self.change(|state| state.push(shard, batch, owner.cloned(), &self.counts));
        for loser in &losers {
            self.excess.note(loser, Budget::Queue);
        }
        if let Some(arrived) = self.arrived.get(usize::from(shard)) {
            arrived.notify_one();
        }
    }

    /// Waits for the next batch of a shard. It is in flight until [`Self::finish`].
    pub(crate) async fn take(&self, shard: u16) -> Batch {
        loop {
            let taken = self.change(|state| state.take(usize::from(shard), &self.counts));
            if let Some(batch) = taken {
                return batch;
            }
            // If a batch arrives in the meantime, the notification is kept.
            self.arrived[usize::from(shard)].notified().await;
        }
    }

    /// Ends the delivery of the shard's batch in flight, whether it was accepted or dropped.
    pub(crate) fn finish(&self, shard: u16) {
        self.change(|state| state.finish(usize::from(shard), &self.counts));
    }

    /// Changes the state, and wakes the tasks that wait for the result.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, unblocks_shards, is_empty) = {
            let mut state = self.lock();
            let was_blocked = state.resharded > 0;
            let result = change(&mut state);
            (result, was_blocked && state.resharded == 0, state.is_empty())
        };
        if unblocks_shards {
            self.arrived.iter().for_each(Notify::notify_one);
        }
        if is_empty {
            self.emptied.notify_waiters();
        }
        result
    }

    /// Waits until the queue is empty.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Syncs the spool, so that its batches survive a crash of the machine, and updates the age of the oldest samples.
    pub(crate) fn sync(&self) {
        let mut state = self.lock();
        if let Some(Err(error)) = state.spool.as_mut().map(Spool::sync) {
            self.counts.spool_failed();
            tracing::warn!(%error, "cannot write the relay's spool");
        }
        let now = UnixMillis::now();
        self.counts.set_oldest(state.oldest().map_or(Duration::ZERO, |oldest| now.since(oldest)));
    }

    /// Counts the samples that are lost when the process ends now: those that are only in memory.
    pub(crate) fn count_lost(&self) {
        let state = self.lock();
        let entries = state.shards.iter().flat_map(|shard| shard.in_flight.iter().chain(&shard.waiting));
        let lost = entries.filter(|entry| entry.location.is_none()).map(|entry| entry.samples).sum();
        if lost > 0 {
            self.counts.dropped(lost, Cause::Ended);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn recover(&mut self, shards: u16, recovered: Recovered) {
        let Recovered { waiting, next_number } = recovered;
        self.next_number = next_number;
        let is_resharded = waiting.iter().any(|(label, _)| label.shards != shards || label.shard >= shards);
        for (label, location) in waiting {
            let shard = if is_resharded { 0 } else { usize::from(label.shard) };
            self.resharded += usize::from(is_resharded);
            self.shards[shard].waiting.push_back(Entry {
                number: label.number,
                owner: None,
                size: 0,
                samples: label.samples,
                newest: label.newest,
                body: None,
                location: Some(location),
                is_resharded,
            });
        }
    }

    /// Adds a batch. Returns the clusters that lost samples because they had the most.
    fn push(
        &mut self,
        shard: u16,
        batch: Batch,
        owner: Option<ClusterName>,
        counts: &SinkCounts,
    ) -> Vec<ClusterName> {
        let number = self.next_number;
        self.next_number += 1;
        let Batch { body, samples, newest } = batch;
        let shards = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        let label = Label { shard, shards, number, newest, samples };
        let size = body.len();
        let location = self.append(label, &body, owner.as_ref(), counts);
        while let Some(segment) = self.spool.as_mut().and_then(Spool::overflow) {
            self.drop_segment(segment, counts);
        }
        let losers = if location.is_none() { self.evict(size, owner.as_ref(), counts) } else { Vec::new() };
        let is_kept = self.memory_bytes + size <= self.max_memory_bytes;
        if is_kept {
            self.memory_bytes += size;
        } else if location.is_none() {
            counts.dropped(samples, Cause::MemoryFull);
            self.report(counts);
            return losers;
        }
        let body = is_kept.then_some(body);
        let entry = Entry { number, owner, size, samples, newest, body, location, is_resharded: false };
        self.owners.add(&entry);
        let shard = &mut self.shards[usize::from(shard)];
        shard.owned += usize::from(entry.owner.is_some());
        shard.waiting.push_back(entry);
        self.report(counts);
        losers
    }

    /// Writes a batch to the spool, if there is one. The batches of one cluster are written as long as they are less than
    /// what is left for the others.
    fn append(
        &mut self,
        label: Label,
        body: &[u8],
        owner: Option<&ClusterName>,
        counts: &SinkCounts,
    ) -> Option<Location> {
        let spool = self.spool.as_mut()?;
        if owner.is_some_and(|owner| self.owners.disk_bytes(owner) + body.len() as u64 > spool.free()) {
            return None;
        }
        match spool.append(label, body) {
            Ok(location) => Some(location),
            Err(error) => {
                counts.spool_failed();
                tracing::warn!(%error, "cannot write the relay's spool; a batch is only in memory");
                None
            }
        }
    }

    /// Frees memory for a batch of this size: drops batches, or only their copies in memory if they are on disk as well.
    /// Returns the clusters that lost samples because they had the most.
    fn evict(&mut self, size: usize, owner: Option<&ClusterName>, counts: &SinkCounts) -> Vec<ClusterName> {
        let mut losers = Vec::new();
        while self.memory_bytes + size > self.max_memory_bytes {
            let heaviest = self.owners.heaviest(owner, size, self.max_memory_bytes);
            let of_heaviest = heaviest.as_ref().and_then(|heaviest| self.oldest_in_memory(Some(heaviest)));
            let Some((shard, at)) = of_heaviest.or_else(|| self.oldest_in_memory(None)) else { break };
            let entry = &mut self.shards[shard].waiting[at];
            let body = entry.body.take().map_or(0, |body| body.len());
            self.memory_bytes -= body;
            self.owners.leave_memory(entry.owner.as_ref(), body);
            if entry.location.is_none()
                && let Some(entry) = self.shards[shard].remove(at)
            {
                self.owners.remove(&entry);
                let cause = if of_heaviest.is_some() { Cause::ClusterQueue } else { Cause::MemoryFull };
                counts.dropped(entry.samples, cause);
                losers.extend(heaviest.filter(|_| of_heaviest.is_some()));
            }
        }
        losers
    }

    /// The oldest batch in memory of all shards, of any cluster or of this one.
    fn oldest_in_memory(&self, owner: Option<&ClusterName>) -> Option<(usize, usize)> {
        let is_wanted = |entry: &Entry| {
            entry.body.is_some() && owner.is_none_or(|owner| entry.owner.as_ref() == Some(owner))
        };
        let shards = self.shards.iter().enumerate();
        let oldest =
            shards.filter_map(|(index, shard)| Some((index, shard.waiting.iter().position(is_wanted)?)));
        oldest.min_by_key(|(shard, at)| self.shards[*shard].waiting[*at].number)
    }

    /// Drops the batches of a segment that the spool removed. A batch in flight was read before and is kept.
    fn drop_segment(&mut self, segment: u64, counts: &SinkCounts) {
        for shard in &mut self.shards {
            let is_in = |entry: &Entry| entry.location.is_some_and(|location| location.segment == segment);
            shard.waiting.retain(|entry| {
                if is_in(entry) {
                    self.memory_bytes -= entry.body.as_ref().map_or(0, Bytes::len);
                    self.resharded -= usize::from(entry.is_resharded);
                    self.owners.remove(entry);
                    shard.owned -= usize::from(entry.owner.is_some());
                    counts.dropped(entry.samples, Cause::SpoolFull);
                }
                !is_in(entry)
            });
        }
    }

    fn take(&mut self, shard: usize, counts: &SinkCounts) -> Option<Batch> {
        if shard != 0 && self.resharded > 0 {
            return None;
        }
        loop {
            let next = self.shards[shard].next(&self.owners)?;
            let entry = self.shards[shard].remove(next)?;
            self.shards[shard].was_shared = entry.owner.is_none();
            self.owners.serve(entry.owner.as_ref());
            let body = match (&entry.body, &entry.location, &self.spool) {
                (Some(body), _, _) => Ok(body.clone()),
                (None, Some(location), Some(spool)) => spool.read(location),
                // Never happens: an entry is in memory or on disk.
                (None, ..) => Ok(Bytes::new()),
            };
            let Entry { samples, newest, .. } = entry;
            self.shards[shard].in_flight = Some(entry);
            match body {
                Ok(body) => return Some(Batch { body, samples, newest }),
                Err(error) => {
                    tracing::warn!(%error, "cannot read a batch from the relay's spool");
                    counts.dropped(samples, Cause::SpoolUnreadable);
                    self.finish(shard, counts);
                }
            }
        }
    }

    fn finish(&mut self, shard: usize, counts: &SinkCounts) {
        let Some(entry) = self.shards[shard].in_flight.take() else { return };
        self.memory_bytes -= entry.body.as_ref().map_or(0, Bytes::len);
        self.resharded -= usize::from(entry.is_resharded);
        self.owners.remove(&entry);
        if let (Some(spool), Some(location)) = (&mut self.spool, &entry.location)
            && let Err(error) = spool.finish(entry.number, location)
        {
            // The batch may be sent again after a restart, which sinks accept.
            counts.spool_failed();
            tracing::warn!(%error, "cannot write the relay's spool");
        }
        self.report(counts);
    }

    fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.waiting.is_empty() && shard.in_flight.is_none())
    }

    /// The timestamp of the oldest batch that waits.
    fn oldest(&self) -> Option<UnixMillis> {
        let first = |shard: &Shard| {
            let entries = shard.in_flight.iter().chain(shard.waiting.front());
            entries.map(|entry| entry.newest).min()
        };
        self.shards.iter().filter_map(first).min()
    }

    fn report(&self, counts: &SinkCounts) {
        counts.set_waiting(self.memory_bytes, self.spool.as_ref().map_or(0, Spool::bytes));
    }
}

#[cfg(test)]
mod shares;
#[cfg(test)]
mod tests;
