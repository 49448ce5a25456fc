//! Keeps the history of every cluster: samples every five minutes, hours rolled up, old partitions dropped.

use std::time::Duration;

use fleet::HealthRules;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::{Store, StoreError};

use crate::task::Task;

/// Writes the points that are due.
pub struct History {
    store: Store,
    rules: HealthRules,
}

impl History {
    /// Judges the clusters' health by these rules.
    pub fn new(store: Store, rules: HealthRules) -> Self {
        Self { store, rules }
    }
}

impl Task for History {
    fn name(&self) -> &'static str {
        "history"
    }

    /// Shorter than the five minutes of a sample, so that a sample is not late and missed hours are soon rolled up.
    fn interval(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.record_history(self.rules).boxed()
    }
}
