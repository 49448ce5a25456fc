//! The task that gathers heartbeats into batches. A heartbeat is acknowledged only after its commit.
//!
//! While one batch commits the next one gathers, so batches grow with the load. Under load a batch also waits a few
//! milliseconds for more heartbeats, because the cost of a batch hardly depends on its size. Without load nothing
//! waits. A heartbeat that the database refuses does not fail its batch: the batch is halved until that heartbeat is
//! alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::ClusterId;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};

use crate::database::error::is_conflict;
use crate::heartbeats::new_heartbeat::NewHeartbeat;
use crate::heartbeats::presence::Presence;
use crate::{Store, StoreError};

/// The most heartbeats in one statement: a few milliseconds of work for the database.
const MAX_HEARTBEATS_PER_BATCH: usize = 500;
/// The most heartbeats in the queue. When it is full, requests wait.
const MAX_QUEUED_HEARTBEATS: usize = 4 * MAX_HEARTBEATS_PER_BATCH;
/// How long a batch waits for more heartbeats if the previous batch had more than one.
const GATHER_TIME: Duration = Duration::from_millis(10);
/// How often a batch is tried if it keeps conflicting with another transaction.
const MAX_ATTEMPTS: u32 = 5;

/// Hands heartbeats to the task that writes them. Cheap to clone.
#[derive(Clone)]
pub struct HeartbeatWriter {
    queue: mpsc::Sender<Queued>,
    counts: Arc<BatchCounts>,
}

/// Counters of the writer.
#[derive(Debug)]
pub struct BatchCounts {
    /// The number of committed batches.
    pub batches: AtomicU64,
    /// The number of committed heartbeats.
    pub heartbeats: AtomicU64,
    /// The number of heartbeats in each batch.
    pub sizes: Histogram,
}

impl Default for BatchCounts {
    fn default() -> Self {
        let max = MAX_HEARTBEATS_PER_BATCH as f64;
        let sizes = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, max]);
        Self { batches: AtomicU64::default(), heartbeats: AtomicU64::default(), sizes }
    }
}

/// Why a heartbeat was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The cluster was removed.
    #[error("the cluster is no longer enrolled")]
    NoSuchCluster,
    /// The database refused the heartbeat's data.
    #[error("the database refused the heartbeat: {0}")]
    Refused(Arc<StoreError>),
    /// The database is not available.
    #[error(transparent)]
    Unavailable(Arc<StoreError>),
    /// The writer has stopped because the process is shutting down.
    #[error("this unit is shutting down")]
    Stopped,
}

type Outcome = Result<(), WriteError>;

struct Queued {
    heartbeat: NewHeartbeat,
    respond: oneshot::Sender<Outcome>,
}

impl HeartbeatWriter {
    /// Starts the writing task. It ends when the last handle is dropped, after storing everything in the queue.
    pub fn start(store: Store, presence: Arc<Presence>) -> Self {
        let (queue, received) = mpsc::channel(MAX_QUEUED_HEARTBEATS);
        let counts = Arc::new(BatchCounts::default());
        tokio::spawn(write_batches(Task { store, presence, counts: counts.clone() }, received));
        Self { queue, counts }
    }

    /// Stores one heartbeat. Returns when it is committed, or has failed.
    pub async fn write(&self, heartbeat: NewHeartbeat) -> Result<(), WriteError> {
        let (respond, response) = oneshot::channel();
        self.queue.send(Queued { heartbeat, respond }).await.map_err(|_| WriteError::Stopped)?;
        response.await.unwrap_or(Err(WriteError::Stopped))
    }

    /// The writer's counters.
    pub fn counts(&self) -> &BatchCounts {
        &self.counts
    }
}

struct Task {
    store: Store,
    presence: Arc<Presence>,
    counts: Arc<BatchCounts>,
}

async fn write_batches(task: Task, mut received: mpsc::Receiver<Queued>) {
    let mut gathered = Vec::with_capacity(MAX_HEARTBEATS_PER_BATCH);
    let mut is_under_load = false;
    while received.recv_many(&mut gathered, MAX_HEARTBEATS_PER_BATCH).await > 0 {
        if is_under_load && gathered.len() < MAX_HEARTBEATS_PER_BATCH {
            tokio::time::sleep(GATHER_TIME).await;
            // Receiving exactly what is queued by now never waits.
            let queued = received.len().min(MAX_HEARTBEATS_PER_BATCH - gathered.len());
            received.recv_many(&mut gathered, queued).await;
        }
        is_under_load = gathered.len() > 1;
        let (heartbeats, responders): (Vec<_>, Vec<_>) =
            latest_by_cluster(&mut gathered).into_values().unzip();
        let heartbeats: Vec<&NewHeartbeat> = heartbeats.iter().collect();
        for (outcome, responders) in task.store_batch(&heartbeats).await.into_iter().zip(responders) {
            for respond in responders {
                // It fails if the request was cancelled.
                let _ = respond.send(outcome.clone());
            }
        }
    }
}

/// Of several heartbeats from one cluster only the last is stored, but all of them get a response.
fn latest_by_cluster(
    gathered: &mut Vec<Queued>,
) -> BTreeMap<ClusterId, (NewHeartbeat, Vec<oneshot::Sender<Outcome>>)> {
    let mut latest = BTreeMap::new();
    for Queued { heartbeat, respond } in gathered.drain(..) {
        match latest.entry(heartbeat.cluster) {
            Entry::Vacant(entry) => {
                entry.insert((heartbeat, vec![respond]));
            }
            Entry::Occupied(mut entry) => {
                let (last, responders) = entry.get_mut();
                *last = heartbeat;
                responders.push(respond);
            }
        }
    }
    latest
}

impl Task {
    /// Returns one outcome for each heartbeat, in the same order.
    fn store_batch<'a>(&'a self, heartbeats: &'a [&'a NewHeartbeat]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut attempts = 1;
            let error = loop {
                match self.try_store(heartbeats).await {
                    Ok(outcomes) => return outcomes,
                    Err(error) if attempts < MAX_ATTEMPTS && is_conflict(&error) => attempts += 1,
                    Err(error) => break error,
                }
            };
            if error.is_unavailable() {
                tracing::warn!(%error, heartbeats = heartbeats.len(), "cannot store heartbeats");
                return vec![Err(WriteError::Unavailable(Arc::new(error))); heartbeats.len()];
            }
            if heartbeats.len() == 1 {
                tracing::warn!(%error, "the database refused a heartbeat");
                return vec![Err(WriteError::Refused(Arc::new(error)))];
            }
            let (first, second) = heartbeats.split_at(heartbeats.len() / 2);
            let mut outcomes = self.store_batch(first).await;
            outcomes.append(&mut self.store_batch(second).await);
            outcomes
        })
    }

    async fn try_store(&self, heartbeats: &[&NewHeartbeat]) -> Result<Vec<Outcome>, StoreError> {
        self.presence.ensure_marked().await?;
        let existing = self.store.put_heartbeats(heartbeats).await?;
        self.counts.batches.fetch_add(1, Ordering::Relaxed);
        self.counts.sizes.observe(existing.len() as f64);
        self.counts.heartbeats.fetch_add(existing.len() as u64, Ordering::Relaxed);
        let outcome = |heartbeat: &&NewHeartbeat| match existing.contains(&heartbeat.cluster) {
            true => Ok(()),
            false => Err(WriteError::NoSuchCluster),
        };
        Ok(heartbeats.iter().map(outcome).collect())
    }
}
