//! What waits for a sink: bounded in memory, and on disk if there is a spool. In order within each lane; where there is
//! no room, the oldest of all lanes goes.

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
    lanes: Vec<Lane>,
    next_number: u64,
    memory: usize,
    limit: usize,
    spool: Option<Spool>,
    /// Batches from an earlier run with another number of lanes. They are all in the first lane, and no other lane
    /// goes on before they are gone: only so each series stays in order.
    from_other_lanes: usize,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Entry>,
    under_way: Option<Entry>,
}

/// A batch. It is in memory, or on disk, or both.
struct Entry {
    number: u64,
    samples: u32,
    newest: UnixMillis,
    body: Option<Bytes>,
    location: Option<Location>,
    is_from_other_lanes: bool,
}

impl Queue {
    /// A queue of so many lanes, with at most this many bytes in memory. What waits in the spool waits here too.
    pub(crate) fn new(
        lanes: u16,
        limit: usize,
        spool: Option<(Spool, Recovered)>,
        counts: SinkCounts,
    ) -> Self {
        let count = usize::from(lanes.max(1));
        let mut state = State {
            lanes: std::iter::repeat_with(Lane::default).take(count).collect(),
            next_number: 0,
            memory: 0,
            limit,
            spool: None,
            from_other_lanes: 0,
        };
        if let Some((spool, recovered)) = spool {
            state.spool = Some(spool);
            state.recover(lanes, recovered);
        }
        let arrived = std::iter::repeat_with(Notify::new).take(count).collect();
        let queue = Self { state: Mutex::new(state), arrived, emptied: Notify::new(), counts };
        queue.lock().tell(&queue.counts);
        queue
    }

    /// Adds a batch. It waits for the disk, if there is a spool, and for nothing else.
    pub(crate) fn push(&self, lane: u16, batch: Batch) {
        self.change(|state| state.push(lane, batch, &self.counts));
        if let Some(arrived) = self.arrived.get(usize::from(lane)) {
            arrived.notify_one();
        }
    }

    /// The next batch of a lane, when there is one. It is under way until [`Self::finish`].
    pub(crate) async fn take(&self, lane: u16) -> Batch {
        loop {
            let taken = self.change(|state| state.take(usize::from(lane), &self.counts));
            if let Some(batch) = taken {
                return batch;
            }
            // A permit is kept where something arrives in between.
            self.arrived[usize::from(lane)].notified().await;
        }
    }

    /// The batch of this lane that was under way is done with, one way or the other.
    pub(crate) fn finish(&self, lane: u16) {
        self.change(|state| state.finish(usize::from(lane), &self.counts));
    }

    /// Changes the state, and wakes whoever waited for what came of it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, opens_lanes, is_empty) = {
            let mut state = self.lock();
            let had_others = state.from_other_lanes > 0;
            let result = change(&mut state);
            (result, had_others && state.from_other_lanes == 0, state.is_empty())
        };
        if opens_lanes {
            self.arrived.iter().for_each(Notify::notify_one);
        }
        if is_empty {
            self.emptied.notify_waiters();
        }
        result
    }

    /// Waits until nothing is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// What was appended shall survive the machine too.
    pub(crate) fn sync(&self) {
        let mut state = self.lock();
        if let Some(Err(error)) = state.spool.as_mut().map(Spool::sync) {
            self.counts.spool_failed();
            tracing::warn!(%error, "the relay's spool cannot be written");
        }
        let now = UnixMillis::now();
        self.counts.waits(state.oldest().map_or(Duration::ZERO, |oldest| now.since(oldest)));
    }

    /// Counts what is lost when the process ends now: what is in memory alone.
    pub(crate) fn count_lost(&self) {
        let state = self.lock();
        let entries = state.lanes.iter().flat_map(|lane| lane.under_way.iter().chain(&lane.waiting));
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
    fn recover(&mut self, lanes: u16, recovered: Recovered) {
        let Recovered { waiting, next_number } = recovered;
        self.next_number = next_number;
        let is_other = waiting.iter().any(|(label, _)| label.lanes != lanes || label.lane >= lanes);
        for (label, location) in waiting {
            let lane = if is_other { 0 } else { usize::from(label.lane) };
            self.from_other_lanes += usize::from(is_other);
            self.lanes[lane].waiting.push_back(Entry {
                number: label.number,
                samples: label.samples,
                newest: label.newest,
                body: None,
                location: Some(location),
                is_from_other_lanes: is_other,
            });
        }
    }

    fn push(&mut self, lane: u16, batch: Batch, counts: &SinkCounts) {
        let number = self.next_number;
        self.next_number += 1;
        let Batch { body, samples, newest } = batch;
        let lanes = u16::try_from(self.lanes.len()).unwrap_or(u16::MAX);
        let label = Label { lane, lanes, number, newest, samples };
        let location = match self.spool.as_mut().map(|spool| spool.append(label, &body)) {
            Some(Ok(location)) => Some(location),
            Some(Err(error)) => {
                counts.spool_failed();
                tracing::warn!(%error, "the relay's spool cannot be written: a batch stays in memory");
                None
            }
            None => None,
        };
        while let Some(segment) = self.spool.as_mut().and_then(Spool::overflow) {
            self.drop_segment(segment, counts);
        }
        let size = body.len();
        if location.is_none() {
            self.make_room(size, counts);
        }
        let is_kept = self.memory + size <= self.limit;
        if is_kept {
            self.memory += size;
        } else if location.is_none() {
            counts.dropped(samples, Cause::MemoryFull);
            return self.tell(counts);
        }
        let body = is_kept.then_some(body);
        let entry = Entry { number, samples, newest, body, location, is_from_other_lanes: false };
        self.lanes[usize::from(lane)].waiting.push_back(entry);
        self.tell(counts);
    }

    /// Drops the oldest of what is in memory, or only its copy there where it is on disk as well.
    fn make_room(&mut self, size: usize, counts: &SinkCounts) {
        while self.memory + size > self.limit {
            let oldest = |lane: &Lane| lane.waiting.iter().position(|entry| entry.body.is_some());
            let oldest =
                self.lanes.iter().enumerate().filter_map(|(index, lane)| Some((index, oldest(lane)?)));
            let Some((lane, at)) = oldest.min_by_key(|(lane, at)| self.lanes[*lane].waiting[*at].number)
            else {
                return;
            };
            let waiting = &mut self.lanes[lane].waiting;
            let body = waiting[at].body.take();
            self.memory -= body.map_or(0, |body| body.len());
            if waiting[at].location.is_none()
                && let Some(entry) = waiting.remove(at)
            {
                counts.dropped(entry.samples, Cause::MemoryFull);
            }
        }
    }

    /// The spool dropped a segment: its batches go. One that is under way is in somebody's hands already.
    fn drop_segment(&mut self, segment: u64, counts: &SinkCounts) {
        for lane in &mut self.lanes {
            let is_in = |entry: &Entry| entry.location.is_some_and(|location| location.segment == segment);
            lane.waiting.retain(|entry| {
                if is_in(entry) {
                    self.memory -= entry.body.as_ref().map_or(0, Bytes::len);
                    self.from_other_lanes -= usize::from(entry.is_from_other_lanes);
                    counts.dropped(entry.samples, Cause::SpoolFull);
                }
                !is_in(entry)
            });
        }
    }

    fn take(&mut self, lane: usize, counts: &SinkCounts) -> Option<Batch> {
        if lane != 0 && self.from_other_lanes > 0 {
            return None;
        }
        loop {
            let entry = self.lanes[lane].waiting.pop_front()?;
            let body = match (&entry.body, &entry.location, &self.spool) {
                (Some(body), _, _) => Ok(body.clone()),
                (None, Some(location), Some(spool)) => spool.read(location),
                // An entry is in one place at least.
                (None, ..) => Ok(Bytes::new()),
            };
            let Entry { samples, newest, .. } = entry;
            self.lanes[lane].under_way = Some(entry);
            match body {
                Ok(body) => return Some(Batch { body, samples, newest }),
                Err(error) => {
                    tracing::warn!(%error, "a part of the relay's spool cannot be read");
                    counts.dropped(samples, Cause::SpoolUnreadable);
                    self.finish(lane, counts);
                }
            }
        }
    }

    fn finish(&mut self, lane: usize, counts: &SinkCounts) {
        let Some(entry) = self.lanes[lane].under_way.take() else { return };
        self.memory -= entry.body.as_ref().map_or(0, Bytes::len);
        self.from_other_lanes -= usize::from(entry.is_from_other_lanes);
        if let (Some(spool), Some(location)) = (&mut self.spool, &entry.location)
            && let Err(error) = spool.finish(entry.number, location)
        {
            // It may be sent once more after a restart, which sinks put up with.
            counts.spool_failed();
            tracing::warn!(%error, "the relay's spool cannot be written");
        }
        self.tell(counts);
    }

    fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.waiting.is_empty() && lane.under_way.is_none())
    }

    /// Of what waits, when the first was received.
    fn oldest(&self) -> Option<UnixMillis> {
        let first = |lane: &Lane| lane.under_way.as_ref().or(lane.waiting.front()).map(|entry| entry.newest);
        self.lanes.iter().filter_map(first).min()
    }

    fn tell(&self, counts: &SinkCounts) {
        counts.holds(self.memory, self.spool.as_ref().map_or(0, Spool::bytes));
    }
}

#[cfg(test)]
mod tests;
