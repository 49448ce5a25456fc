//! The driver: runs every task at its interval until shutdown.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use store::tasks::TaskClaim;
use store::{Store, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::status::TaskMetrics;
use crate::task::{Scope, Task};

/// A claim outlives its round by far, so that it ends only where the unit was killed.
const MIN_CLAIM: Duration = Duration::from_secs(30);

/// Runs the background tasks of one unit.
pub struct Driver {
    store: Store,
    unit: Uuid,
    metrics: TaskMetrics,
    tasks: Vec<Scheduled>,
}

struct Scheduled {
    task: Arc<dyn Task>,
    activation: Activation,
}

/// Starts a round of one task before its interval is over.
#[derive(Debug, Clone, Default)]
pub struct Activation(Arc<Notify>);

impl Activation {
    /// Asks for a round now. Several requests before the round starts are one.
    pub fn activate(&self) {
        self.0.notify_one();
    }
}

impl Driver {
    /// A driver without tasks.
    pub fn new(store: Store) -> Self {
        Self { store, unit: Uuid::now_v7(), metrics: TaskMetrics::default(), tasks: Vec::new() }
    }

    /// Adds a task. The handle activates it on demand.
    pub fn add(&mut self, task: impl Task) -> Activation {
        let activation = Activation::default();
        self.tasks.push(Scheduled { task: Arc::new(task), activation: activation.clone() });
        activation
    }

    /// How this unit's rounds went, for the metrics registry.
    pub fn metrics(&self) -> &TaskMetrics {
        &self.metrics
    }

    /// Runs the tasks, each on its own schedule, until shutdown; then the last rounds of those that want one.
    pub async fn run(self, shutdown: CancellationToken) {
        let runs = self.tasks.iter().map(|scheduled| self.run_task(scheduled, &shutdown));
        join_all(runs).await;
    }

    async fn run_task(&self, scheduled: &Scheduled, shutdown: &CancellationToken) {
        let Scheduled { task, activation } = scheduled;
        let mut ticks = interval(task.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let activated = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = activation.0.notified() => true,
                _ = ticks.tick() => false,
            };
            // A round that has started is finished: a transaction that is dropped in the middle is only repeated.
            self.run_round(&**task, activated).await;
        }
        if let Some(limit) = task.last_round_limit()
            && timeout(limit, self.run_claimed(&**task)).await.is_err()
        {
            tracing::debug!(task = task.name(), "the last round took too long and was cancelled");
        }
    }

    async fn run_round(&self, task: &dyn Task, activated: bool) {
        if task.scope() == Scope::EveryUnit {
            // The outcome is logged and counted where it happens.
            let _ = self.run_claimed(task).await;
            return;
        }
        match self.claim(task, activated).await {
            Ok(false) => {}
            Ok(true) => {
                let error = self.run_claimed(task).await.err().map(|error| error.to_string());
                if let Err(error) = self.store.finish_task(task.name(), self.unit, error.as_deref()).await {
                    // The claim ends on its own.
                    tracing::debug!(task = task.name(), %error, "cannot record the end of a round");
                }
            }
            Err(error) => {
                self.metrics.record_unavailable(task.name());
                tracing::debug!(task = task.name(), %error, "cannot claim a round");
            }
        }
    }

    async fn claim(&self, task: &dyn Task, activated: bool) -> Result<bool, StoreError> {
        let interval = task.interval();
        let claim = TaskClaim {
            task: task.name(),
            unit: self.unit,
            lease: (3 * interval).max(MIN_CLAIM),
            // Ticks are not exact: a tick that comes a little early counts.
            min_age: if activated { Duration::ZERO } else { interval.mul_f64(0.8) },
        };
        self.store.claim_task(&claim).await
    }

    async fn run_claimed(&self, task: &dyn Task) -> Result<(), StoreError> {
        let started = Instant::now();
        let outcome = task.run().await;
        self.metrics.record(task.name(), started.elapsed(), outcome.is_ok());
        match &outcome {
            Ok(()) => {}
            // Other parts log that the database is unavailable; ten tasks need not repeat it.
            Err(error) if error.is_unavailable() => {
                tracing::debug!(task = task.name(), %error, "the database is unavailable; the next round retries");
            }
            Err(error) => {
                tracing::warn!(task = task.name(), %error, "a round failed; the next round retries");
            }
        }
        outcome
    }
}
