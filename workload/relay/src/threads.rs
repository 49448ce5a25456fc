//! The relay's threads: one sends batches, one gathers them, and if there is a journal, one writes it. None of this runs in
//! the threads that handle heartbeats.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::ClusterName;
use tokio_util::sync::CancellationToken;

use crate::intake::{Exposition, Intake, Next, Received, Work};
use crate::journal::Journal;
use crate::packer::{Output, Packer};
use crate::queue::Queue;
use crate::remote_write::Batch;
use crate::sink::Sink;
use crate::time::UnixMillis;

/// The interval for ending the series of members that their clusters no longer report.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// The interval for syncing the spools to disk.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes of expositions that are parsed between two flushes, after which the journal's files can be removed.
const MAX_BYTES_BETWEEN_FLUSHES: usize = 8 * 1024 * 1024;
/// The longest that an idle thread waits for work before it waits again.
const IDLE_TIMEOUT: Duration = Duration::from_hours(1);

/// The queues of all sinks, each of which gets every batch, and the journal that records it.
pub(crate) struct Queues {
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) journal: Option<Arc<Journal>>,
}

/// Moves expositions from one intake to the next and writes them to the journal, until the first intake is closed. What an
/// earlier process left comes first. While the next intake is full, new expositions wait in the first one, which drops the
/// oldest when it is full, too.
pub(crate) fn write_journal(
    incoming: &Intake,
    journal: &Journal,
    left: Vec<(u64, Exposition)>,
    written: &Intake,
) {
    // The age of a batch is that of its newest sample: samples that may be too old must not share a batch with new ones.
    let is_left = !left.is_empty();
    for (number, exposition) in left {
        written.push_blocking(Work::Read(Received { exposition, number: Some(number), report: 0 }));
    }
    if is_left {
        written.push_blocking(Work::Flush);
    }
    loop {
        match incoming.pop(IDLE_TIMEOUT) {
            Next::Work(Work::Read(received)) => {
                let number = Some(journal.append(&received.exposition));
                written.push_blocking(Work::Read(Received { number, ..received }));
            }
            Next::Work(other) => written.push_blocking(other),
            Next::TimedOut => {}
            Next::Closed => return written.close(),
        }
    }
}

/// Gathers batches until the intake is closed.
pub(crate) fn gather_batches(intake: &Intake, mut packer: Packer, linger: Duration, mut out: Queues) {
    // If this thread panics, the thread that waits for room in the intake must not wait forever.
    let _close = CloseOnDrop(intake);
    let mut gathering: Option<Instant> = None;
    // The last exposition that was parsed since the last flush, and the bytes that were parsed since then.
    let mut parsed: Option<u64> = None;
    let mut parsed_bytes = 0;
    let mut next_sync = Instant::now() + SYNC_INTERVAL;
    let mut next_sweep = Instant::now() + SWEEP_INTERVAL;
    loop {
        let flush_at = gathering.map(|since| since + linger);
        let wake_at = flush_at.map_or(next_sync, |flush_at| flush_at.min(next_sync)).min(next_sweep);
        let mut flush_requested = false;
        match intake.pop(wake_at.saturating_duration_since(Instant::now())) {
            Next::Work(Work::Read(received)) => {
                parsed_bytes += received.exposition.escaped.len();
                parsed = received.number.or(parsed);
                packer.read(received, &mut out);
            }
            Next::Work(Work::Complete(cluster, report, at)) => {
                packer.complete(&cluster, report, at, &mut out);
            }
            Next::Work(Work::Flush) => flush_requested = true,
            Next::Work(Work::End(cluster, at)) => packer.end(&cluster, at, &mut out),
            Next::Work(Work::ListSilent(since, reply)) => {
                // The caller may no longer wait.
                let _ = reply.send(packer.silent_since(since));
            }
            Next::TimedOut => {}
            Next::Closed => break,
        }
        let now = Instant::now();
        let is_gathering = packer.is_gathering() || parsed.is_some();
        gathering = if is_gathering { gathering.or(Some(now)) } else { None };
        flush_requested |= gathering.is_some_and(|since| now >= since + linger);
        flush_requested |= parsed.is_some() && parsed_bytes > MAX_BYTES_BETWEEN_FLUSHES;
        if flush_requested {
            packer.flush(&mut out);
            out.done(parsed.take());
            gathering = None;
            parsed_bytes = 0;
        }
        if now >= next_sync {
            out.queues.iter().for_each(|queue| queue.sync());
            next_sync = now + SYNC_INTERVAL;
        }
        if now >= next_sweep {
            packer.sweep(UnixMillis::now(), &mut out);
            next_sweep = now + SWEEP_INTERVAL;
        }
    }
    packer.flush(&mut out);
    out.done(parsed);
}

/// Sends batches until it is stopped.
pub(crate) async fn send_batches(sinks: Vec<Arc<Sink>>, shards: u16, stop: CancellationToken) {
    let mut sending = tokio::task::JoinSet::new();
    for sink in sinks {
        for shard in 0..shards {
            let sink = Arc::clone(&sink);
            sending.spawn(async move { sink.run(shard).await });
        }
    }
    stop.cancelled().await;
}

/// Closes an intake when it is dropped.
struct CloseOnDrop<'a>(&'a Intake);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Output for Queues {
    fn push(&mut self, shard: u16, batch: Batch, owner: Option<&ClusterName>) {
        for queue in &self.queues {
            queue.push(shard, batch.clone(), owner);
        }
    }

    fn complete(&mut self, expositions: &[u64]) {
        if let Some(journal) = &self.journal
            && !expositions.is_empty()
        {
            journal.mark_spooled(expositions);
        }
    }
}

impl Queues {
    /// Records that no batch is being gathered, and that this exposition was the last that was parsed.
    fn done(&self, parsed: Option<u64>) {
        if let (Some(journal), Some(parsed)) = (&self.journal, parsed) {
            journal.mark_done(parsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tempfile::TempDir;

    use super::*;
    use crate::counts::RelayCounts;
    use crate::excess::Excess;
    use crate::intake::IntakeLimits;

    fn exposition(number: i64, bytes: usize) -> Exposition {
        Exposition {
            cluster: ClusterName::new("paris").unwrap(),
            member: "node-1".to_owned(),
            service: "LXD".to_owned(),
            received: UnixMillis(number),
            escaped: Bytes::from(vec![b'x'; bytes]),
        }
    }

    fn received(number: i64, bytes: usize) -> Work {
        Work::Read(Received { exposition: exposition(number, bytes), number: None, report: 1 })
    }

    fn intake(bytes: usize) -> Intake {
        let limits = IntakeLimits { all: bytes, of_a_cluster: bytes };
        Intake::new(limits, RelayCounts::default(), Excess::default())
    }

    fn all(intake: &Intake) -> Vec<String> {
        std::iter::from_fn(|| match intake.pop(Duration::ZERO) {
            Next::Work(Work::Read(Received { exposition, number, .. })) => {
                Some(format!("{} as {number:?}", exposition.received.0))
            }
            Next::Work(other) => Some(format!("{other:?}")),
            Next::TimedOut | Next::Closed => None,
        })
        .collect()
    }

    #[test]
    fn leftovers_of_a_killed_process_come_first_and_in_their_own_batches() {
        let directory = TempDir::new().unwrap();
        let open = || Journal::open(directory.path(), RelayCounts::default()).unwrap();
        let (journal, _) = open();
        for number in 1..=2 {
            journal.append(&exposition(number, 10));
        }
        drop(journal);
        let (journal, left) = open();
        let (incoming, written) = (intake(1 << 20), intake(1 << 20));
        incoming.push(received(3, 10));
        incoming.close();
        write_journal(&incoming, &journal, left, &written);
        assert_eq!(all(&written), ["1 as Some(0)", "2 as Some(1)", "Flush", "3 as Some(2)"]);
        assert!(matches!(written.pop(IDLE_TIMEOUT), Next::Closed));
    }

    #[test]
    fn blocked_push_ends_when_the_reader_panics() {
        let intake = intake(1500);
        intake.push_blocking(received(1, 700));
        std::thread::scope(|scope| {
            scope.spawn(|| intake.push_blocking(received(2, 700)));
            let read = scope.spawn(|| {
                let _close = CloseOnDrop(&intake);
                std::panic::resume_unwind(Box::new("a fault in the packer"));
            });
            assert!(read.join().is_err());
        });
        assert_eq!(all(&intake), ["1 as None"]);
    }
}
