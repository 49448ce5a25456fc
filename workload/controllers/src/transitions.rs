//! Records changes of health. What people see is judged when they look, by the same rules; this notes when it changed.

use std::time::Duration;

use fleet::HealthRules;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::{Store, StoreError};

use crate::task::Task;

/// Judges the fleet and records every cluster whose health changed.
pub struct HealthTransitions {
    store: Store,
    rules: HealthRules,
}

impl HealthTransitions {
    /// Judges by these rules.
    pub fn new(store: Store, rules: HealthRules) -> Self {
        Self { store, rules }
    }

    async fn record(&self) -> Result<(), StoreError> {
        for transition in self.store.record_health_transitions(self.rules).await? {
            let (from, to) = (transition.from.as_str(), transition.to.as_str());
            let (cluster, name, reason) = (transition.cluster, transition.name, transition.reason);
            tracing::info!(%cluster, name, from, to, reason, "a cluster's health changed");
        }
        Ok(())
    }
}

impl Task for HealthTransitions {
    fn name(&self) -> &'static str {
        "health_transitions"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.record().boxed()
    }
}
