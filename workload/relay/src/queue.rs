//! The queue of a sink: bounded in memory, and on disk if there is a spool. Batches stay in order within each shard. If the
//! queue is full, the oldest batch of all shards is dropped.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::counts::{Cause, SinkCounts};
use crate::remote_write::Batch;
use crate::spool::{Label, Location, Recovered, Spool};
use crate::time::UnixMillis;

pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Vec<Notify>,
    emptied: Notify,
    counts: SinkCounts,
}

struct State {
    shards: Vec<Shard>,
    next_number: u64,
    memory_bytes: usize,
    max_memory_bytes: usize,
    spool: Option<Spool>,
    /// The number of batches from an earlier run with another number of shards. They are all in the first shard, and the
    /// other shards wait until they are gone, so that each series stays in order.
    resharded: usize,
}

#[derive(Default)]
struct Shard {
    waiting: VecDeque<Entry>,
    in_flight: Option<Entry>,
}

/// A batch, in memory or on disk or both.
struct Entry {
    number: u64,
    samples: u32,
    newest: UnixMillis,
    body: Option<Bytes>,
    location: Option<Location>,
    is_resharded: bool,
}

impl Queue {
    /// A queue with this many shards and at most this many bytes in memory. It begins with the batches in the spool.
    pub(crate) fn new(
        shards: u16,
        max_memory_bytes: usize,
        spool: Option<(Spool, Recovered)>,
        counts: SinkCounts,
    ) -> Self {
        let count = usize::from(shards.max(1));
        let mut state = State {
            shards: std::iter::repeat_with(Shard::default).take(count).collect(),
            next_number: 0,
            memory_bytes: 0,
            max_memory_bytes,
            spool: None,
            resharded: 0,
        };
        if let Some((spool, recovered)) = spool {
            state.spool = Some(spool);
            state.recover(shards, recovered);
        }
        let arrived = std::iter::repeat_with(Notify::new).take(count).collect();
        let queue = Self { state: Mutex::new(state), arrived, emptied: Notify::new(), counts };
        queue.lock().report(&queue.counts);
        queue
    }

    /// Adds a batch. Waits for the disk if there is a spool, and for nothing else.
    pub(crate) fn push(&self, shard: u16, batch: Batch) {
        self.change(|state| state.push(shard, batch, &self.counts));
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
                samples: label.samples,
                newest: label.newest,
                body: None,
                location: Some(location),
                is_resharded,
            });
        }
    }

    fn push(&mut self, shard: u16, batch: Batch, counts: &SinkCounts) {
        let number = self.next_number;
        self.next_number += 1;
        let Batch { body, samples, newest } = batch;
        let shards = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        let label = Label { shard, shards, number, newest, samples };
        let location = match self.spool.as_mut().map(|spool| spool.append(label, &body)) {
            Some(Ok(location)) => Some(location),
            Some(Err(error)) => {
                counts.spool_failed();
                tracing::warn!(%error, "cannot write the relay's spool; a batch is only in memory");
                None
            }
            None => None,
        };
        while let Some(segment) = self.spool.as_mut().and_then(Spool::overflow) {
            self.drop_segment(segment, counts);
        }
        let size = body.len();
        if location.is_none() {
            self.evict(size, counts);
        }
        let is_kept = self.memory_bytes + size <= self.max_memory_bytes;
        if is_kept {
            self.memory_bytes += size;
        } else if location.is_none() {
            counts.dropped(samples, Cause::MemoryFull);
            return self.report(counts);
        }
        let body = is_kept.then_some(body);
        let entry = Entry { number, samples, newest, body, location, is_resharded: false };
        self.shards[usize::from(shard)].waiting.push_back(entry);
        self.report(counts);
    }

    /// Frees memory for a batch of this size: drops the oldest batches in memory, or only their copies in memory if they are
    /// on disk as well.
    fn evict(&mut self, size: usize, counts: &SinkCounts) {
        while self.memory_bytes + size > self.max_memory_bytes {
            let oldest = |shard: &Shard| shard.waiting.iter().position(|entry| entry.body.is_some());
            let oldest =
                self.shards.iter().enumerate().filter_map(|(index, shard)| Some((index, oldest(shard)?)));
            let Some((shard, at)) = oldest.min_by_key(|(shard, at)| self.shards[*shard].waiting[*at].number)
            else {
                return;
            };
            let waiting = &mut self.shards[shard].waiting;
            let body = waiting[at].body.take();
            self.memory_bytes -= body.map_or(0, |body| body.len());
            if waiting[at].location.is_none()
                && let Some(entry) = waiting.remove(at)
            {
                counts.dropped(entry.samples, Cause::MemoryFull);
            }
        }
    }

    /// Drops the batches of a segment that the spool removed. A batch in flight was read before and is kept.
    fn drop_segment(&mut self, segment: u64, counts: &SinkCounts) {
        for shard in &mut self.shards {
            let is_in = |entry: &Entry| entry.location.is_some_and(|location| location.segment == segment);
            shard.waiting.retain(|entry| {
                if is_in(entry) {
                    self.memory_bytes -= entry.body.as_ref().map_or(0, Bytes::len);
                    self.resharded -= usize::from(entry.is_resharded);
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
            let entry = self.shards[shard].waiting.pop_front()?;
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
        let first =
            |shard: &Shard| shard.in_flight.as_ref().or(shard.waiting.front()).map(|entry| entry.newest);
        self.shards.iter().filter_map(first).min()
    }

    fn report(&self, counts: &SinkCounts) {
        counts.set_waiting(self.memory_bytes, self.spool.as_ref().map_or(0, Spool::bytes));
    }
}

#[cfg(test)]
mod tests;
