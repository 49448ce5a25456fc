//! Where expositions wait to be read: bounded, and never in the way of whoever hands them in.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use protocol::ClusterName;
use tokio::sync::oneshot;

use crate::counts::{Cause, RelayCounts};
use crate::time::UnixMillis;

/// One member's exposition, as a heartbeat brought it.
#[derive(Debug, Clone)]
pub struct Exposition {
    /// Whose member.
    pub cluster: ClusterName,
    /// The member.
    pub member: String,
    /// What was scraped: `LXD`.
    pub service: String,
    /// The moment of receipt.
    pub received: UnixMillis,
    /// The text, still with JSON's escapes and without its quotes: a slice of the heartbeat's body. It keeps all of that
    /// body in memory, but is counted by its own length: copy it where it is a small part of a large body.
    pub escaped: Bytes,
}

/// What is to be done, in the order in which it was asked for.
#[derive(Debug)]
pub(crate) enum Work {
    /// An exposition, with its number in the journal where it is in one.
    Read(Exposition, Option<u64>),
    /// What was read so far goes on its way before anything that follows is read.
    Flush,
    /// The cluster left, or fell silent: its series end.
    End(ClusterName, UnixMillis),
    /// Which clusters were last heard before this moment?
    WhoIsSilent(UnixMillis, oneshot::Sender<Vec<ClusterName>>),
}

/// What came of waiting for work.
pub(crate) enum Arrived {
    Work(Work),
    Nothing,
    Closed,
}

pub(crate) struct Intake {
    state: Mutex<State>,
    arrived: Condvar,
    left: Condvar,
    limit: usize,
    counts: RelayCounts,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    bytes: usize,
    is_closed: bool,
}

impl Intake {
    /// At most this many bytes wait.
    pub(crate) fn new(limit: usize, counts: RelayCounts) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), left: Condvar::new(), limit, counts }
    }

    /// Hands something in. The oldest expositions go where there is no room.
    pub(crate) fn push(&self, work: Work) {
        let size = work.bytes();
        if size > self.limit {
            return self.counts.drop_expositions(1, Cause::IntakeFull);
        }
        let mut dropped = Vec::new();
        {
            let mut state = self.lock();
            if state.is_closed {
                return;
            }
            while state.bytes + size > self.limit {
                let oldest = state.waiting.iter().position(|work| matches!(work, Work::Read(..)));
                let Some(work) = oldest.and_then(|at| state.waiting.remove(at)) else { break };
                state.bytes -= work.bytes();
                dropped.push(work);
            }
            state.bytes += size;
            state.waiting.push_back(work);
        }
        self.arrived.notify_one();
        // Their memory is given back without the lock.
        if !dropped.is_empty() {
            self.counts.drop_expositions(dropped.len() as u64, Cause::IntakeFull);
        }
    }

    /// The same, for a thread that may wait until there is room: nothing goes.
    pub(crate) fn push_patiently(&self, work: Work) {
        let size = work.bytes();
        let mut state = self.lock();
        while !state.is_closed && !state.waiting.is_empty() && state.bytes + size > self.limit {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return;
        }
        state.bytes += size;
        state.waiting.push_back(work);
        drop(state);
        self.arrived.notify_one();
    }

    /// The oldest work, waiting for it no longer than this. What was handed in before it was closed still comes.
    pub(crate) fn pop(&self, patience: Duration) -> Arrived {
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.is_closed {
            state = self.arrived.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        match state.waiting.pop_front() {
            Some(work) => {
                state.bytes -= work.bytes();
                self.left.notify_one();
                Arrived::Work(work)
            }
            None if state.is_closed => Arrived::Closed,
            None => Arrived::Nothing,
        }
    }

    /// Takes nothing more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
        self.left.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// The text, and something for the rest, so that many small ones are bounded too.
    fn bytes(&self) -> usize {
        const REST: usize = 256;
        match self {
            Self::Read(exposition, _) => exposition.escaped.len() + REST,
            Self::Flush | Self::End(..) | Self::WhoIsSilent(..) => 0,
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
        while let Arrived::Work(work) = intake.pop(Duration::ZERO) {
            numbers.push(match work {
                Work::Read(exposition, _) => exposition.received.0,
                Work::End(_, at) | Work::WhoIsSilent(at, _) => at.0,
                Work::Flush => unreachable!("nobody asked for it"),
            });
        }
        numbers
    }

    #[test]
    fn the_oldest_expositions_go_and_are_counted() {
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
    fn who_is_patient_loses_nothing() {
        let counts = RelayCounts::default();
        let intake = Intake::new(3 * 1256, counts.clone());
        let numbers: Vec<i64> = std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..100).for_each(|number| intake.push_patiently(exposition(number, 1000)));
                // More than there is ever room for: it comes when nothing else waits.
                intake.push_patiently(exposition(100, 100_000));
                intake.close();
            });
            let mut numbers = Vec::new();
            loop {
                match intake.pop(Duration::from_secs(3600)) {
                    Arrived::Work(Work::Read(exposition, _)) => numbers.push(exposition.received.0),
                    Arrived::Work(_) | Arrived::Nothing => {}
                    Arrived::Closed => return numbers,
                }
            }
        });
        assert_eq!(numbers, (0..=100).collect::<Vec<_>>());
        assert_eq!(counts.expositions_dropped(Cause::IntakeFull), 0);
    }

    #[test]
    fn what_was_handed_in_before_the_end_is_still_done() {
        let intake = Intake::new(1 << 20, RelayCounts::default());
        intake.push(exposition(1, 10));
        intake.close();
        intake.push(exposition(2, 10));
        assert_eq!(waiting(&intake), [1]);
        assert!(matches!(intake.pop(Duration::from_secs(3600)), Arrived::Closed));
    }
}
