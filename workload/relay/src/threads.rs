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
    for (number, exposition) in left {
        written.push_patiently(Work::Read(exposition, Some(number)));
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
    let mut gathering: Option<Instant> = None;
    // The last exposition that was read, until the journal hears that all are done.
    let mut read: Option<u64> = None;
    let mut next_sync = Instant::now() + SYNC_EVERY;
    let mut next_sweep = Instant::now() + SWEEP_EVERY;
    loop {
        let flush_at = gathering.map(|since| since + linger);
        let wake_at = flush_at.map_or(next_sync, |flush_at| flush_at.min(next_sync)).min(next_sweep);
        match intake.pop(wake_at.saturating_duration_since(Instant::now())) {
            Arrived::Work(Work::Read(exposition, number)) => {
                packer.read(exposition, number, &mut out);
                read = number.or(read);
            }
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
        if gathering.is_some_and(|since| now >= since + linger) {
            packer.flush(&mut out);
            out.done(read.take());
            gathering = None;
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
