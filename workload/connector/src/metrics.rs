//! What the connector counts of itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::HeartbeatWriter;
use store::heartbeats::BatchCounts;
use tokio_util::sync::CancellationToken;

use crate::identity_cache::IdentityCache;

/// How often figures are copied that others keep.
const COPY_EVERY: Duration = Duration::from_secs(5);

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Outcome {
    Accepted,
    Refused,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match self {
            Self::Accepted => "accepted".encode(encoder),
            Self::Refused => "refused".encode(encoder),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: Outcome,
}

/// The connector's counters.
#[derive(Clone)]
pub struct ConnectorMetrics {
    joins: Family<OutcomeLabel, Counter>,
    heartbeats: Family<OutcomeLabel, Counter>,
    durations: Histogram,
    batches: Counter,
    batch_sizes: Histogram,
    identities: Gauge,
    /// None can be opened yet.
    tunnels: Gauge,
}

impl ConnectorMetrics {
    pub(crate) fn new(batches: &BatchCounts) -> Self {
        Self {
            joins: Family::default(),
            heartbeats: Family::default(),
            durations: Histogram::new([
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ]),
            batches: Counter::default(),
            batch_sizes: batches.sizes.clone(),
            identities: Gauge::default(),
            tunnels: Gauge::default(),
        }
    }

    /// Shows them under `cluster_manager_…`.
    pub fn register(&self, registry: &mut Registry) {
        let prefix = registry.sub_registry_with_prefix("cluster_manager");
        prefix.register("joins", "Joins that were decided", self.joins.clone());
        prefix.register("heartbeats", "Heartbeats that were decided", self.heartbeats.clone());
        prefix.register("heartbeat_seconds", "From a heartbeat's head to its commit", self.durations.clone());
        prefix.register(
            "heartbeat_batch_size",
            "Heartbeats that were committed together",
            self.batch_sizes.clone(),
        );
        prefix.register(
            "heartbeat_batches",
            "Batches of heartbeats that were committed",
            self.batches.clone(),
        );
        prefix.register("tunnels", "Reverse tunnels that are open", self.tunnels.clone());
        prefix.register("known_clusters", "Clusters in this unit's identity cache", self.identities.clone());
    }

    pub(crate) fn joined(&self, outcome: Outcome) {
        self.joins.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn heard(&self, outcome: Outcome) {
        self.heartbeats.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A heartbeat was committed after so long.
    pub(crate) fn committed(&self, took: Duration) {
        self.heard(Outcome::Accepted);
        self.durations.observe(took.as_secs_f64());
    }

    pub(crate) async fn follow(
        &self,
        writer: &HeartbeatWriter,
        identities: &IdentityCache,
        shutdown: CancellationToken,
    ) {
        let mut ticks = tokio::time::interval(COPY_EVERY);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let batches = writer.counts().batches.load(Ordering::Relaxed);
            self.batches.inc_by(batches.saturating_sub(self.batches.get()));
            self.identities.set(i64::try_from(identities.len()).unwrap_or(i64::MAX));
        }
    }
}
