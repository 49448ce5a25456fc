//! How the tasks of this unit went, as metrics on the status port.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabel {
    task: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    task: &'static str,
    outcome: &'static str,
}

/// Counters of the background tasks.
#[derive(Debug, Clone, Default)]
pub struct TaskMetrics {
    rounds: Family<OutcomeLabels, Counter>,
    last_seconds: Family<TaskLabel, Gauge<f64, AtomicU64>>,
    last_success: Family<TaskLabel, Gauge<f64, AtomicU64>>,
}

impl TaskMetrics {
    /// Shows them as `cluster_manager_background_task_…`.
    pub fn register(&self, registry: &mut Registry) {
        let prefix = registry.sub_registry_with_prefix("cluster_manager_background_task");
        prefix.register(
            "rounds",
            "Rounds of a background task on this unit, by outcome",
            self.rounds.clone(),
        );
        prefix.register_with_unit(
            "last_round",
            "Duration of this unit's last round",
            Unit::Seconds,
            self.last_seconds.clone(),
        );
        prefix.register_with_unit(
            "last_success_timestamp",
            "Time of this unit's last successful round",
            Unit::Seconds,
            self.last_success.clone(),
        );
    }

    pub(crate) fn record(&self, task: &'static str, took: Duration, succeeded: bool) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.rounds.get_or_create(&OutcomeLabels { task, outcome }).inc();
        self.last_seconds.get_or_create(&TaskLabel { task }).set(took.as_secs_f64());
        if succeeded {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.last_success.get_or_create(&TaskLabel { task }).set(now.as_secs_f64());
        }
    }

    /// A round that could not be claimed, since the database did not respond.
    pub(crate) fn record_unavailable(&self, task: &'static str) {
        self.rounds.get_or_create(&OutcomeLabels { task, outcome: "unavailable" }).inc();
    }
}
