//! The task that gathers heartbeats into batches. A heartbeat is acknowledged only after its commit.
//!
//! While one batch commits the next one gathers, so batches grow with the load. Under load a batch also waits a few
//! milliseconds for more heartbeats, because the cost of a batch hardly depends on its size. Without load nothing
//! waits. A heartbeat that the database refuses, or waits too long for, does not fail its batch: the batch is halved until
//! that heartbeat is alone.
//!
//! Large reports have a lane of their own, with its own task, so that small ones never wait for them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fleet::ClusterId;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};

use crate::database::error::{is_timeout, may_run_again};
use crate::heartbeats::new_heartbeat::NewHeartbeat;
use crate::heartbeats::presence::Presence;
use crate::{Store, StoreError};

/// The most heartbeats in one statement: a few milliseconds of work for the database.
const MAX_HEARTBEATS_PER_BATCH: usize = 500;
/// The most bytes of reports in one statement, unless there is only one. Usual reports have a few hundred bytes.
const MAX_BYTES_PER_BATCH: usize = 2 * 1024 * 1024;
/// Reports above this size in bytes are large. A thousand storage pools fit into it.
const MAX_SMALL_BYTES: usize = 128 * 1024;
/// The most small heartbeats in the queue. When it is full, requests wait.
const MAX_QUEUED_SMALL: usize = 4 * MAX_HEARTBEATS_PER_BATCH;
/// The most large heartbeats in one statement.
const MAX_LARGE_PER_BATCH: usize = 4;
/// The most large heartbeats in the queue: 16 MiB.
const MAX_QUEUED_LARGE: usize = 16;
/// How long a batch waits for more heartbeats if the previous batch had more than one.
const GATHER_TIME: Duration = Duration::from_millis(10);
/// How often a batch is tried if it keeps conflicting with another transaction.
const MAX_ATTEMPTS: u32 = 5;

/// How long a part of a batch may take once the whole has timed out. Usually it takes some milliseconds.
const PART_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a batch that has timed out is halved. The heartbeats that are left then fail.
const MAX_HALVING_TIME: Duration = Duration::from_secs(15);

/// Hands heartbeats to the tasks that write them. Cheap to clone.
#[derive(Clone)]
pub struct HeartbeatWriter {
    small: mpsc::Sender<Queued>,
    large: mpsc::Sender<Queued>,
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
    /// Starts the writing tasks. They end when the last handle is dropped, after storing everything in their queues.
    pub fn start(store: Store, presence: Arc<Presence>) -> Self {
        let counts = Arc::new(BatchCounts::default());
        let lane = |max_queued, max_per_batch| {
            let (queue, received) = mpsc::channel(max_queued);
            let task = Task { store: store.clone(), presence: presence.clone(), counts: counts.clone() };
            tokio::spawn(write_batches(task, received, max_per_batch));
            queue
        };
        let small = lane(MAX_QUEUED_SMALL, MAX_HEARTBEATS_PER_BATCH);
        let large = lane(MAX_QUEUED_LARGE, MAX_LARGE_PER_BATCH);
        Self { small, large, counts }
    }

    /// Stores one heartbeat. Returns when it is committed, or has failed.
    pub async fn write(&self, heartbeat: NewHeartbeat) -> Result<(), WriteError> {
        let lane = if heartbeat.size() > MAX_SMALL_BYTES { &self.large } else { &self.small };
        let (respond, response) = oneshot::channel();
        lane.send(Queued { heartbeat, respond }).await.map_err(|_| WriteError::Stopped)?;
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

async fn write_batches(task: Task, mut received: mpsc::Receiver<Queued>, max: usize) {
    let mut gathered = Vec::with_capacity(max);
    let mut is_under_load = false;
    while received.recv_many(&mut gathered, max).await > 0 {
        if is_under_load && gathered.len() < max {
            tokio::time::sleep(GATHER_TIME).await;
            // Receiving exactly what is queued by now never waits.
            let queued = received.len().min(max - gathered.len());
            received.recv_many(&mut gathered, queued).await;
        }
        is_under_load = gathered.len() > 1;
        let (heartbeats, responders): (Vec<_>, Vec<_>) =
            latest_by_cluster(&mut gathered).into_values().unzip();
        let mut responders = responders.into_iter();
        for batch in limited_by_bytes(&heartbeats) {
            for (outcome, responders) in task.store_batch(&batch, None).await.into_iter().zip(&mut responders)
            {
                for respond in responders {
                    // It fails if the request was cancelled.
                    let _ = respond.send(outcome.clone());
                }
            }
        }
    }
}

/// Divides heartbeats into batches, in order, none of which is too large for one statement.
fn limited_by_bytes(heartbeats: &[NewHeartbeat]) -> Vec<Vec<&NewHeartbeat>> {
    let (mut batches, mut left) = (Vec::new(), 0);
    for heartbeat in heartbeats {
        let size = heartbeat.size();
        match batches.last_mut() {
            Some(batch) if size <= left => {
                Vec::push(batch, heartbeat);
                left -= size;
            }
            _ => {
                batches.push(vec![heartbeat]);
                left = MAX_BYTES_PER_BATCH.saturating_sub(size);
            }
        }
    }
    batches
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
    /// Returns one outcome for each heartbeat, in the same order. A part of a batch that timed out has until `deadline`.
    fn store_batch<'a>(
        &'a self,
        heartbeats: &'a [&'a NewHeartbeat],
        deadline: Option<Instant>,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut attempts = 1;
            let error = loop {
                if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                    break StoreError::Unavailable("it takes too long to store heartbeats".into());
                }
                match self.try_store(heartbeats, deadline.map(|_| PART_TIMEOUT)).await {
                    Ok(outcomes) => return outcomes,
                    Err(error) if attempts < MAX_ATTEMPTS && may_run_again(&error) => attempts += 1,
                    Err(error) => break error,
                }
            };
            let has_timed_out = is_timeout(&error);
            if error.is_unavailable() && !(has_timed_out && heartbeats.len() > 1) {
                tracing::warn!(%error, heartbeats = heartbeats.len(), "cannot store heartbeats");
                return vec![Err(WriteError::Unavailable(Arc::new(error))); heartbeats.len()];
            }
            if heartbeats.len() == 1 {
                tracing::warn!(%error, "the database refused a heartbeat");
                return vec![Err(WriteError::Refused(Arc::new(error)))];
            }
            let deadline = deadline.or_else(|| has_timed_out.then(|| Instant::now() + MAX_HALVING_TIME));
            let (first, second) = heartbeats.split_at(heartbeats.len() / 2);
            let mut outcomes = self.store_batch(first, deadline).await;
            outcomes.append(&mut self.store_batch(second, deadline).await);
            outcomes
        })
    }

    async fn try_store(
        &self,
        heartbeats: &[&NewHeartbeat],
        limit: Option<Duration>,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.presence.ensure_marked().await?;
        let existing = self.store.put_heartbeats(heartbeats, limit).await?;
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
