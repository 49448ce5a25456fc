//! Gathers heartbeats into batches. Each is answered only after its commit.
//!
//! While one batch commits the next gathers, so batches grow with the load by themselves. Under load a batch also
//! waits a moment for company, since what a batch costs hardly depends on its size; nothing waits when there is none.
//! A beat that the database refuses does not take its batch along: the batch is halved until the guilty one is alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::ClusterId;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};

use crate::error::is_worth_retrying;
use crate::heartbeats::Beat;
use crate::presence::Presence;
use crate::{Store, StoreError};

/// The most beats in one statement: a few milliseconds of work for the database.
const BATCH: usize = 500;
/// How many beats may wait; beyond it a beat waits for its place with its request.
const QUEUE: usize = 4 * BATCH;
/// How long a batch waits for company, if the one before it had some.
const LINGER: Duration = Duration::from_millis(10);
/// How often a batch that lost a race, with another unit's or with the judge, is tried in all.
const TRIES: u32 = 5;

/// Hands beats to the one task that writes them. Cheap to clone.
#[derive(Clone)]
pub struct HeartbeatWriter {
    queue: mpsc::Sender<Waiting>,
    counts: Arc<BatchCounts>,
}

/// How the writer has been doing.
#[derive(Debug)]
pub struct BatchCounts {
    /// Batches that were committed.
    pub batches: AtomicU64,
    /// Beats that were committed.
    pub beats: AtomicU64,
    /// How many beats a batch had.
    pub sizes: Histogram,
}

impl Default for BatchCounts {
    fn default() -> Self {
        let sizes = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, BATCH as f64]);
        Self { batches: AtomicU64::default(), beats: AtomicU64::default(), sizes }
    }
}

/// Why a beat was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The cluster was removed.
    #[error("the cluster is no longer enrolled")]
    NoSuchCluster,
    /// The database refused this beat's data.
    #[error("the database refused the heartbeat: {0}")]
    Refused(Arc<StoreError>),
    /// The database is away.
    #[error(transparent)]
    Unavailable(Arc<StoreError>),
    /// The writer has stopped: the process is going down.
    #[error("this unit is shutting down")]
    Stopped,
}

struct Waiting {
    beat: Beat,
    answer: oneshot::Sender<Result<(), WriteError>>,
}

impl HeartbeatWriter {
    /// Starts the writing task. It ends when the last handle is gone, after storing what it was given.
    pub fn start(store: Store, presence: Arc<Presence>) -> Self {
        let (queue, received) = mpsc::channel(QUEUE);
        let counts = Arc::new(BatchCounts::default());
        tokio::spawn(write_all(Task { store, presence, counts: counts.clone() }, received));
        Self { queue, counts }
    }

    /// Stores one beat; returns when it is committed, or will not be.
    pub async fn write(&self, beat: Beat) -> Result<(), WriteError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Waiting { beat, answer }).await.map_err(|_| WriteError::Stopped)?;
        answered.await.unwrap_or(Err(WriteError::Stopped))
    }

    /// How the writer has been doing.
    pub fn counts(&self) -> &BatchCounts {
        &self.counts
    }
}

struct Task {
    store: Store,
    presence: Arc<Presence>,
    counts: Arc<BatchCounts>,
}

async fn write_all(task: Task, mut received: mpsc::Receiver<Waiting>) {
    let mut gathered = Vec::with_capacity(BATCH);
    let mut is_busy = false;
    while received.recv_many(&mut gathered, BATCH).await > 0 {
        if is_busy && gathered.len() < BATCH {
            tokio::time::sleep(LINGER).await;
            let room = BATCH - gathered.len();
            // What is there by now; an empty queue must not be waited for.
            let waiting = received.len().min(room);
            received.recv_many(&mut gathered, waiting).await;
        }
        is_busy = gathered.len() > 1;
        // Of several beats of one cluster the last wins; all of them are answered.
        let mut latest: BTreeMap<ClusterId, (Beat, Vec<oneshot::Sender<_>>)> = BTreeMap::new();
        for Waiting { beat, answer } in gathered.drain(..) {
            let (_, answers) = match latest.entry(beat.cluster) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert((beat, Vec::with_capacity(1)))
                }
                std::collections::btree_map::Entry::Occupied(entry) => {
                    let slot = entry.into_mut();
                    slot.0 = beat;
                    slot
                }
            };
            answers.push(answer);
        }
        let (beats, answers): (Vec<Beat>, Vec<_>) = latest.into_values().unzip();
        let beats: Vec<&Beat> = beats.iter().collect();
        for (outcome, answers) in task.store_all(&beats).await.into_iter().zip(answers) {
            for answer in answers {
                // Whoever gave up waiting needs no answer.
                let _ = answer.send(outcome.clone());
            }
        }
    }
}

impl Task {
    /// One outcome a beat, in order.
    fn store_all<'a>(&'a self, beats: &'a [&'a Beat]) -> BoxFuture<'a, Vec<Result<(), WriteError>>> {
        Box::pin(async move {
            let mut tries = 1;
            let error = loop {
                match self.try_store(beats).await {
                    Ok(outcomes) => return outcomes,
                    Err(error) if tries < TRIES && is_worth_retrying(&error) => tries += 1,
                    Err(error) => break error,
                }
            };
            if error.is_unavailable() {
                tracing::warn!(%error, beats = beats.len(), "heartbeats could not be stored");
                return vec![Err(WriteError::Unavailable(Arc::new(error))); beats.len()];
            }
            if beats.len() == 1 {
                tracing::warn!(%error, "the database refused a heartbeat");
                return vec![Err(WriteError::Refused(Arc::new(error)))];
            }
            let (first, second) = beats.split_at(beats.len() / 2);
            let mut outcomes = self.store_all(first).await;
            outcomes.append(&mut self.store_all(second).await);
            outcomes
        })
    }

    async fn try_store(&self, beats: &[&Beat]) -> Result<Vec<Result<(), WriteError>>, StoreError> {
        self.presence.ensure_marked().await?;
        let existing = self.store.put_heartbeats(beats).await?;
        self.counts.batches.fetch_add(1, Ordering::Relaxed);
        self.counts.sizes.observe(existing.len() as f64);
        self.counts.beats.fetch_add(existing.len() as u64, Ordering::Relaxed);
        let outcome = |beat: &&Beat| match existing.contains(&beat.cluster) {
            true => Ok(()),
            false => Err(WriteError::NoSuchCluster),
        };
        Ok(beats.iter().map(outcome).collect())
    }
}
