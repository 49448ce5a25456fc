//! What the relay's threads do: one sends batches, one makes them, and where there is a journal, one writes down what comes
//! before it is read. Nothing of it runs where heartbeats do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::intake::{Arrived, Exposition, Intake, Work};
use crate::journal::Journal;
use crate::lane::Lanes;
use crate::packer::{Packer, Take};
use crate::queue::Queue;
use crate::remote_write::Batch;
use crate::time::UnixMillis;

/// How often members are looked for that their clusters no longer speak of, and the spools are made safe.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How much of the journal may be read before its files go, however quickly it is read.
const READ_AT_ONCE: usize = 32 * 1024 * 1024;
/// How often a thread looks up that has nothing to do but to wait for work.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Every sink gets every batch, and the journal hears of it.
pub(crate) struct Queues {
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) journal: Option<Arc<Journal>>,
}

/// Writes down what was handed in, after what an earlier process left, and hands it on, until nothing more comes. While
/// it waits for whoever reads, what is handed in waits too, and goes where there is no room.
pub(crate) fn write(handed_in: &Intake, journal: &Journal, left: Vec<(u64, Exposition)>, written: &Intake) {
    // Batches are judged by the youngest in them: what may be too old for the sinks must not go with what is new.
    let is_left = !left.is_empty();
    for (number, exposition) in left {
        written.push_patiently(Work::Read(exposition, Some(number)));
    }
    if is_left {
        written.push_patiently(Work::Flush);
    }
    loop {
        match handed_in.pop(LOOK_EVERY) {
            Arrived::Work(Work::Read(exposition, _)) => {
                let number = journal.append(&exposition);
                written.push_patiently(Work::Read(exposition, Some(number)));
            }
            Arrived::Work(other) => written.push_patiently(other),
            Arrived::Nothing => {}
            Arrived::Closed => return written.close(),
        }
    }
}

/// Makes batches until nothing more comes.
pub(crate) fn pack(intake: &Intake, mut packer: Packer, linger: Duration, mut out: Queues) {
    // Whoever waits for room in it must not do so for ever where this thread panics.
    let _closed_at_the_end = Closing(intake);
    let mut gathering: Option<Instant> = None;
    // The last exposition that was read, until the journal hears that all are done, and the text read since then.
    let mut read: Option<u64> = None;
    let mut bytes_read = 0;
    let mut next_sync = Instant::now() + SYNC_EVERY;
    let mut next_sweep = Instant::now() + SWEEP_EVERY;
    loop {
        let flush_at = gathering.map(|since| since + linger);
        let wake_at = flush_at.map_or(next_sync, |flush_at| flush_at.min(next_sync)).min(next_sweep);
        let mut is_to_flush = false;
        match intake.pop(wake_at.saturating_duration_since(Instant::now())) {
            Arrived::Work(Work::Read(exposition, number)) => {
                bytes_read += exposition.escaped.len();
                packer.read(exposition, number, &mut out);
                read = number.or(read);
            }
            Arrived::Work(Work::Flush) => is_to_flush = true,
            Arrived::Work(Work::End(cluster, at)) => packer.end(&cluster, at, &mut out),
            Arrived::Work(Work::WhoIsSilent(since, answer)) => {
                // Whoever asked may have gone.
                let _ = answer.send(packer.silent_since(since));
            }
            Arrived::Nothing => {}
            Arrived::Closed => break,
        }
        let now = Instant::now();
        let is_gathering = packer.is_gathering() || read.is_some();
        gathering = if is_gathering { gathering.or(Some(now)) } else { None };
        is_to_flush |= gathering.is_some_and(|since| now >= since + linger);
        is_to_flush |= read.is_some() && bytes_read > READ_AT_ONCE;
        if is_to_flush {
            packer.flush(&mut out);
            out.done(read.take());
            gathering = None;
            bytes_read = 0;
        }
        if now >= next_sync {
            out.queues.iter().for_each(|queue| queue.sync());
            next_sync = now + SYNC_EVERY;
        }
        if now >= next_sweep {
            packer.sweep(UnixMillis::now(), &mut out);
            next_sweep = now + SWEEP_EVERY;
        }
    }
    packer.flush(&mut out);
    out.done(read);
}

/// Sends batches until it is stopped.
pub(crate) async fn send(sinks: Vec<Arc<Lanes>>, lanes: u16, stop: CancellationToken) {
    let mut sending = tokio::task::JoinSet::new();
    for sink in sinks {
        for lane in 0..lanes {
            let sink = Arc::clone(&sink);
            sending.spawn(async move { sink.run(lane).await });
        }
    }
    stop.cancelled().await;
}

/// Closes an intake at its end.
struct Closing<'a>(&'a Intake);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Take for Queues {
    fn take(&mut self, lane: u16, batch: Batch) {
        for queue in &self.queues {
            queue.push(lane, batch.clone());
        }
    }

    fn complete(&mut self, expositions: &[u64]) {
        if let Some(journal) = &self.journal
            && !expositions.is_empty()
        {
            journal.spooled(expositions);
        }
    }
}

impl Queues {
    /// Nothing is being gathered, and this exposition was the last that was read.
    fn done(&self, read: Option<u64>) {
        if let (Some(journal), Some(read)) = (&self.journal, read) {
            journal.done(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use protocol::ClusterName;
    use tempfile::TempDir;

    use super::*;
    use crate::counts::RelayCounts;

    fn exposition(number: i64, bytes: usize) -> Exposition {
        Exposition {
            cluster: ClusterName::new("paris").unwrap(),
            member: "node-1".to_owned(),
            service: "LXD".to_owned(),
            received: UnixMillis(number),
            escaped: Bytes::from(vec![b'x'; bytes]),
        }
    }

    fn intake() -> Intake {
        Intake::new(1 << 20, RelayCounts::default())
    }

    fn all(intake: &Intake) -> Vec<String> {
        std::iter::from_fn(|| match intake.pop(Duration::ZERO) {
            Arrived::Work(Work::Read(exposition, number)) => {
                Some(format!("{} as {number:?}", exposition.received.0))
            }
            Arrived::Work(other) => Some(format!("{other:?}")),
            Arrived::Nothing | Arrived::Closed => None,
        })
        .collect()
    }

    #[test]
    fn what_a_killed_process_left_comes_first_and_by_itself_even_at_the_end() {
        let directory = TempDir::new().unwrap();
        let open = || Journal::open(directory.path(), RelayCounts::default()).unwrap();
        let (journal, _) = open();
        for number in 1..=2 {
            journal.append(&exposition(number, 10));
        }
        drop(journal);
        let (journal, left) = open();
        let (handed_in, written) = (intake(), intake());
        handed_in.push(Work::Read(exposition(3, 10), None));
        handed_in.close();
        write(&handed_in, &journal, left, &written);
        assert_eq!(all(&written), ["1 as Some(0)", "2 as Some(1)", "Flush", "3 as Some(2)"]);
        assert!(matches!(written.pop(LOOK_EVERY), Arrived::Closed));
    }

    #[test]
    fn whoever_waits_for_room_goes_on_where_nobody_reads_any_more() {
        let intake = Intake::new(1000, RelayCounts::default());
        intake.push(Work::Read(exposition(1, 700), None));
        std::thread::scope(|scope| {
            scope.spawn(|| intake.push_patiently(Work::Read(exposition(2, 700), None)));
            let read = scope.spawn(|| {
                let _closed_at_the_end = Closing(&intake);
                std::panic::resume_unwind(Box::new("as a packer that has a fault"));
            });
            assert!(read.join().is_err());
        });
        assert_eq!(all(&intake), ["1 as None"]);
    }
}
