//! Where expositions wait to be parsed: bounded, and never blocking a heartbeat.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use protocol::ClusterName;
use tokio::sync::oneshot;

use crate::counts::{Cause, RelayCounts};
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

/// Work for the relay's threads, done in the order in which it was requested.
#[derive(Debug)]
pub(crate) enum Work {
    /// Parse an exposition, which may have a number in the journal.
    Read(Exposition, Option<u64>),
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

pub(crate) struct Intake {
    state: Mutex<State>,
    added: Condvar,
    removed: Condvar,
    max_bytes: usize,
    counts: RelayCounts,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    bytes: usize,
    is_closed: bool,
}

impl Intake {
    /// At most this many bytes wait in it.
    pub(crate) fn new(max_bytes: usize, counts: RelayCounts) -> Self {
        Self { state: Mutex::default(), added: Condvar::new(), removed: Condvar::new(), max_bytes, counts }
    }

    /// Adds work. If the intake is full, the oldest expositions are dropped.
    pub(crate) fn push(&self, work: Work) {
        let size = work.bytes();
        if size > self.max_bytes {
            return self.counts.drop_expositions(1, Cause::IntakeFull);
        }
        let mut dropped = Vec::new();
        {
            let mut state = self.lock();
            if state.is_closed {
                return;
            }
            while state.bytes + size > self.max_bytes {
                let oldest = state.waiting.iter().position(|work| matches!(work, Work::Read(..)));
                let Some(work) = oldest.and_then(|at| state.waiting.remove(at)) else { break };
                state.bytes -= work.bytes();
                dropped.push(work);
            }
            state.bytes += size;
            state.waiting.push_back(work);
        }
        self.added.notify_one();
        // The memory of dropped expositions is freed without holding the lock.
        if !dropped.is_empty() {
            self.counts.drop_expositions(dropped.len() as u64, Cause::IntakeFull);
        }
    }

    /// The same, but waits until there is room instead of dropping anything.
    pub(crate) fn push_blocking(&self, work: Work) {
        let size = work.bytes();
        let mut state = self.lock();
        while !state.is_closed && !state.waiting.is_empty() && state.bytes + size > self.max_bytes {
            state = self.removed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return;
        }
        state.bytes += size;
        state.waiting.push_back(work);
        drop(state);
        self.added.notify_one();
    }

    /// Removes the oldest work, waiting for it at most this long. Work from before [`Self::close`] is still returned.
    pub(crate) fn pop(&self, timeout: Duration) -> Next {
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.is_closed {
            state = self.added.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0;
        }
        match state.waiting.pop_front() {
            Some(work) => {
                state.bytes -= work.bytes();
                self.removed.notify_one();
                Next::Work(work)
            }
            None if state.is_closed => Next::Closed,
            None => Next::TimedOut,
        }
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

impl Work {
    /// The length of the text, plus a constant so that the number of small expositions is bounded, too.
    fn bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 256;
        match self {
            Self::Read(exposition, _) => exposition.escaped.len() + OVERHEAD_BYTES,
            Self::Flush | Self::End(..) | Self::ListSilent(..) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposition(number: i64, bytes: usize) -> Work {
        let exposition = Exposition {
            cluster: ClusterName::new("paris").unwrap(),
            member: "node-1".to_owned(),
            service: "LXD".to_owned(),
            received: UnixMillis(number),
            escaped: vec![b'x'; bytes].into(),
        };
        Work::Read(exposition, None)
    }

    fn waiting(intake: &Intake) -> Vec<i64> {
        let mut numbers = Vec::new();
        while let Next::Work(work) = intake.pop(Duration::ZERO) {
            numbers.push(match work {
                Work::Read(exposition, _) => exposition.received.0,
                Work::End(_, at) | Work::ListSilent(at, _) => at.0,
                Work::Flush => unreachable!("no flush was requested"),
            });
        }
        numbers
    }

    #[test]
    fn oldest_expositions_are_dropped_and_counted() {
        let counts = RelayCounts::default();
        let intake = Intake::new(3 * 1256, counts.clone());
        intake.push(exposition(1, 1000));
        intake.push(Work::End(ClusterName::new("rome").unwrap(), UnixMillis(2)));
        for number in 3..=5 {
            intake.push(exposition(number, 1000));
        }
        intake.push(exposition(6, 100_000));
        assert_eq!(waiting(&intake), [2, 3, 4, 5]);
        assert_eq!(counts.expositions_dropped(Cause::IntakeFull), 2);
    }

    #[test]
    fn blocking_push_drops_nothing() {
        let counts = RelayCounts::default();
        let intake = Intake::new(3 * 1256, counts.clone());
        let numbers: Vec<i64> = std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..100).for_each(|number| intake.push_blocking(exposition(number, 1000)));
                // Larger than the limit: accepted when nothing else waits.
                intake.push_blocking(exposition(100, 100_000));
                intake.close();
            });
            let mut numbers = Vec::new();
            loop {
                match intake.pop(Duration::from_secs(3600)) {
                    Next::Work(Work::Read(exposition, _)) => numbers.push(exposition.received.0),
                    Next::Work(_) | Next::TimedOut => {}
                    Next::Closed => return numbers,
                }
            }
        });
        assert_eq!(numbers, (0..=100).collect::<Vec<_>>());
        assert_eq!(counts.expositions_dropped(Cause::IntakeFull), 0);
    }

    #[test]
    fn work_from_before_the_close_is_still_done() {
        let intake = Intake::new(1 << 20, RelayCounts::default());
        intake.push(exposition(1, 10));
        intake.close();
        intake.push(exposition(2, 10));
        assert_eq!(waiting(&intake), [1]);
        assert!(matches!(intake.pop(Duration::from_secs(3600)), Next::Closed));
    }
}
