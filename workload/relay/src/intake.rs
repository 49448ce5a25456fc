//! Where expositions wait to be parsed: bounded, fair to every cluster, and never blocking a heartbeat.
//!
//! Each cluster has a lane. Work is taken from the lane of the cluster that has received the least attention so far, in
//! bytes. If memory is short, the cluster with the most bytes in its lane loses its oldest exposition, so that one cluster
//! cannot displace another that sends less.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use protocol::ClusterName;
use tokio::sync::oneshot;

use crate::counts::{Cause, RelayCounts};
use crate::excess::{Budget, Excess};
use crate::time::UnixMillis;

/// One member's exposition from a heartbeat.
#[derive(Debug, Clone)]
pub struct Exposition {
    /// The cluster to which the member belongs.
    pub cluster: ClusterName,
    /// The member.
    pub member: String,
    /// The scraped service: `LXD`.
    pub service: String,
    /// The time of receipt.
    pub received: UnixMillis,
    /// The text with JSON's escapes, but without its quotes. A slice of the heartbeat's body keeps all of the body in
    /// memory, but only its own length counts towards the limit: pass a copy if it is a small part of a large body.
    pub escaped: Bytes,
}

/// An exposition on its way through the relay's threads.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) exposition: Exposition,
    /// Its number in the journal.
    pub(crate) number: Option<u64>,
    /// The number of the report that contains it, in ascending order; 0 for an exposition without a report.
    pub(crate) report: u64,
}

/// Work for the relay's threads, done in the order in which it was requested for a cluster.
#[derive(Debug)]
pub(crate) enum Work {
    /// Parse an exposition.
    Read(Received),
    /// All expositions of the report with this number were handed over: the members that are not in it no longer report.
    Complete(ClusterName, u64, UnixMillis),
    /// Hand over the batches that were gathered so far before parsing what follows.
    Flush,
    /// End the series of a cluster that left or is lost.
    End(ClusterName, UnixMillis),
    /// List the clusters that last reported before this time.
    ListSilent(UnixMillis, oneshot::Sender<Vec<ClusterName>>),
}

/// The result of waiting for work.
pub(crate) enum Next {
    Work(Work),
    TimedOut,
    Closed,
}

/// The most bytes of expositions that wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IntakeLimits {
    pub(crate) all: usize,
    pub(crate) of_a_cluster: usize,
}

pub(crate) struct Intake {
    state: Mutex<State>,
    added: Condvar,
    removed: Condvar,
    limits: IntakeLimits,
    counts: RelayCounts,
    excess: Excess,
}

#[derive(Default)]
struct State {
    /// Work that is done before that of the lanes.
    first: VecDeque<Work>,
    /// Work that is done after everything that waited when it was added.
    later: VecDeque<Later>,
    lanes: HashMap<ClusterName, Lane>,
    /// The lanes with work, by their turns.
    turns: BTreeMap<Turn, ClusterName>,
    /// The turn of the work that was removed last.
    now: u64,
    next_number: u64,
    /// The bytes of all work, including what was removed last, because it is still in memory.
    bytes: usize,
    removed_bytes: usize,
    is_closed: bool,
}

/// When a lane is served: after this many bytes of every other lane. Ties are served in the order of arrival.
type Turn = (u64, u64);

/// Work that waits until all work with a lower number is done.
struct Later {
    number: u64,
    before: usize,
    work: Work,
}

/// The work of one cluster.
#[derive(Default)]
struct Lane {
    /// The work, with numbers in the order of arrival.
    waiting: VecDeque<(u64, Work)>,
    bytes: usize,
    turn: Option<Turn>,
    /// Its next turn is not before this one.
    served_until: u64,
    /// The newest report of which an exposition was dropped.
    incomplete_report: Option<u64>,
}

impl Intake {
    pub(crate) fn new(limits: IntakeLimits, counts: RelayCounts, excess: Excess) -> Self {
        Self {
            state: Mutex::default(),
            added: Condvar::new(),
            removed: Condvar::new(),
            limits,
            counts,
            excess,
        }
    }

    /// Adds work. If there is no room, expositions are dropped: the oldest of the same cluster if it exceeds its own limit,
    /// then the oldest of the cluster that has the most.
    pub(crate) fn push(&self, work: Work) {
        let dropped = {
            let mut state = self.lock();
            if state.is_closed {
                return;
            }
            state.push(work, self.limits)
        };
        self.added.notify_one();
        // The memory of dropped expositions is freed without holding the lock.
        for (received, cause) in dropped {
            self.counts.drop_expositions(1, cause);
            self.excess.note(&received.exposition.cluster, Budget::Bytes);
        }
    }

    /// Adds work in the order of these calls, and waits until there is room instead of dropping anything.
    pub(crate) fn push_blocking(&self, work: Work) {
        let size = work.bytes();
        let mut state = self.lock();
        while !state.is_closed && state.bytes > 0 && state.bytes + size > self.limits.all {
            state = self.removed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return;
        }
        state.bytes += size;
        state.first.push_back(work);
        drop(state);
        self.added.notify_one();
    }

    /// Removes the next work, waiting for it at most this long. Work from before [`Self::close`] is still returned.
    pub(crate) fn pop(&self, timeout: Duration) -> Next {
        let mut state = self.lock();
        // The caller no longer has what it removed before.
        state.bytes -= std::mem::take(&mut state.removed_bytes);
        self.removed.notify_one();
        if state.is_empty() && !state.is_closed {
            state = self.added.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.counts.set_intake_bytes(state.bytes);
        match state.pop() {
            Some(work) => {
                state.removed_bytes = work.bytes();
                Next::Work(work)
            }
            None if state.is_closed => Next::Closed,
            None => Next::TimedOut,
        }
    }

    /// The largest exposition that is accepted, in bytes.
    pub(crate) fn max_exposition_bytes(&self) -> usize {
        self.limits.of_a_cluster.min(self.limits.all)
    }

    /// Accepts no more work.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.added.notify_all();
        self.removed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, work: Work, limits: IntakeLimits) -> Vec<(Received, Cause)> {
        let cluster = match &work {
            Work::Read(received) => received.exposition.cluster.clone(),
            Work::Complete(cluster, ..) | Work::End(cluster, _) => cluster.clone(),
            Work::Flush | Work::ListSilent(..) => {
                let before = self.lanes.values().map(|lane| lane.waiting.len()).sum();
                self.later.push_back(Later { number: self.next_number, before, work });
                return Vec::new();
            }
        };
        let size = work.bytes();
        let mut dropped = Vec::new();
        while let Some(cause) = self.refuses(&cluster, size, limits) {
            let is_too_large = size > limits.of_a_cluster.min(limits.all);
            let loser =
                if cause == Cause::ClusterBytes { cluster.clone() } else { self.heaviest(&cluster, size) };
            let oldest = if is_too_large { None } else { self.drop_oldest(&loser) };
            let Some(oldest) = oldest else {
                // Nothing else can be dropped.
                if let Work::Read(received) = work {
                    self.lanes.entry(cluster).or_default().note_dropped(&received);
                    dropped.push((received, cause));
                }
                return dropped;
            };
            dropped.push((oldest, cause));
        }
        self.bytes += size;
        let lane = self.lanes.entry(cluster.clone()).or_default();
        lane.bytes += size;
        lane.waiting.push_back((self.next_number, work));
        self.next_number += 1;
        if lane.turn.is_none() {
            let turn = (lane.served_until.max(self.now), self.next_number);
            lane.turn = Some(turn);
            self.turns.insert(turn, cluster);
        }
        dropped
    }

    /// Why there is no room for this many more bytes of a cluster.
    fn refuses(&self, cluster: &ClusterName, size: usize, limits: IntakeLimits) -> Option<Cause> {
        let lane = self.lanes.get(cluster).map_or(0, |lane| lane.bytes);
        if size > 0 && lane + size > limits.of_a_cluster {
            return Some(Cause::ClusterBytes);
        }
        (size > 0 && self.bytes + size > limits.all).then_some(Cause::IntakeFull)
    }

    /// The cluster with the most bytes, if this one had `size` more.
    fn heaviest(&self, cluster: &ClusterName, size: usize) -> ClusterName {
        let own = size + self.lanes.get(cluster).map_or(0, |lane| lane.bytes);
        let others = self.lanes.iter().filter(|(name, lane)| *name != cluster && lane.bytes > own);
        let heaviest = others.max_by_key(|(_, lane)| lane.bytes).map(|(name, _)| name);
        heaviest.unwrap_or(cluster).clone()
    }

    /// Drops the oldest exposition of a cluster.
    fn drop_oldest(&mut self, cluster: &ClusterName) -> Option<Received> {
        let lane = self.lanes.get_mut(cluster)?;
        let oldest = lane.waiting.iter().position(|(_, work)| matches!(work, Work::Read(_)))?;
        let (number, work) = lane.waiting.remove(oldest)?;
        lane.bytes -= work.bytes();
        self.bytes -= work.bytes();
        let Work::Read(received) = work else { return None };
        lane.note_dropped(&received);
        if lane.waiting.is_empty()
            && let Some(turn) = lane.turn.take()
        {
            self.turns.remove(&turn);
        }
        self.done(number);
        Some(received)
    }

    fn pop(&mut self) -> Option<Work> {
        if let Some(work) = self.first.pop_front() {
            return Some(work);
        }
        while self.later.front().is_none_or(|later| later.before > 0)
            && let Some((turn, cluster)) = self.turns.pop_first()
        {
            self.now = turn.0;
            let lane = self.lanes.get_mut(&cluster)?;
            let (number, work) = lane.waiting.pop_front()?;
            lane.bytes -= work.bytes();
            lane.served_until = turn.0 + work.bytes() as u64;
            lane.turn = (!lane.waiting.is_empty()).then_some((lane.served_until, self.next_number));
            self.next_number += 1;
            // Of a report of which an exposition was dropped, nobody knows which members are absent.
            let is_incomplete = |report| lane.incomplete_report >= Some(report);
            let is_skipped = matches!(work, Work::Complete(_, report, _) if is_incomplete(report));
            if let Some(turn) = lane.turn {
                self.turns.insert(turn, cluster);
            }
            self.done(number);
            if !is_skipped {
                return Some(work);
            }
        }
        if self.turns.is_empty() {
            // Nothing waits, so nobody is ahead of anybody.
            self.lanes.clear();
        }
        self.later.pop_front().map(|later| later.work)
    }

    /// Notes that the work with this number no longer waits.
    fn done(&mut self, number: u64) {
        for later in self.later.iter_mut().filter(|later| number < later.number) {
            later.before -= 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.later.is_empty() && self.turns.is_empty()
    }
}

impl Lane {
    fn note_dropped(&mut self, received: &Received) {
        self.incomplete_report = self.incomplete_report.max(Some(received.report));
    }
}

impl Work {
    /// The length of the text, plus a constant so that the number of small expositions is bounded, too.
    fn bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 512;
        match self {
            Self::Read(received) => received.exposition.escaped.len() + OVERHEAD_BYTES,
            Self::Complete(..) | Self::Flush | Self::End(..) | Self::ListSilent(..) => 0,
        }
    }
}

#[cfg(test)]
mod tests;
