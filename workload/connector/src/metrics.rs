//! The connector's own metrics.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use protocol::heartbeat::Misfits;
use store::HeartbeatWriter;
use store::heartbeats::BatchCounts;
use tokio_util::sync::CancellationToken;

use crate::identity_cache::IdentityCache;

/// The interval at which values are copied from where they are kept.
const COPY_INTERVAL: Duration = Duration::from_secs(5);

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FieldLabel {
    field: &'static str,
}

/// The connector's metrics.
#[derive(Clone)]
pub struct ConnectorMetrics {
    joins: Family<OutcomeLabel, Counter>,
    heartbeats: Family<OutcomeLabel, Counter>,
    misfits: Family<FieldLabel, Counter>,
    durations: Histogram,
    batches: Counter,
    batch_sizes: Histogram,
    identities: Gauge,
    /// Always zero so far.
    tunnels: Gauge,
}

impl ConnectorMetrics {
    pub(crate) fn new(batches: &BatchCounts) -> Self {
        Self {
            joins: Family::default(),
            heartbeats: Family::default(),
            misfits: Family::default(),
            durations: Histogram::new([
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ]),
            batches: Counter::default(),
            batch_sizes: batches.sizes.clone(),
            identities: Gauge::default(),
            tunnels: Gauge::default(),
        }
    }

    /// Registers the metrics as `cluster_manager_…`.
    pub fn register(&self, registry: &mut Registry) {
        let prefix = registry.sub_registry_with_prefix("cluster_manager");
        prefix.register("joins", "Joins, by outcome", self.joins.clone());
        prefix.register("heartbeats", "Heartbeats, by outcome", self.heartbeats.clone());
        prefix.register(
            "heartbeat_values_left_out",
            "Values in stored heartbeats that were left out because they cannot be stored, by field",
            self.misfits.clone(),
        );
        prefix.register(
            "heartbeat_seconds",
            "Time from the end of a heartbeat's headers to its commit",
            self.durations.clone(),
        );
        prefix.register(
            "heartbeat_batch_size",
            "Heartbeats in one committed batch",
            self.batch_sizes.clone(),
        );
        prefix.register("heartbeat_batches", "Committed batches of heartbeats", self.batches.clone());
        prefix.register("tunnels", "Open reverse tunnels", self.tunnels.clone());
        prefix.register("known_clusters", "Clusters in this unit's identity cache", self.identities.clone());
    }

    pub(crate) fn count_join(&self, outcome: Outcome) {
        self.joins.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn count_heartbeat(&self, outcome: Outcome) {
        self.heartbeats.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn count_misfits(&self, misfits: &Misfits) {
        for misfit in misfits.iter() {
            self.misfits.get_or_create(&FieldLabel { field: misfit.field.as_str() }).inc_by(misfit.count);
        }
    }

    /// Counts a heartbeat that was committed after this time.
    pub(crate) fn committed(&self, took: Duration) {
        self.count_heartbeat(Outcome::Accepted);
        self.durations.observe(took.as_secs_f64());
    }

    pub(crate) async fn follow(
        &self,
        writer: &HeartbeatWriter,
        identities: &IdentityCache,
        shutdown: CancellationToken,
    ) {
        let mut ticks = tokio::time::interval(COPY_INTERVAL);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let batches = writer.counts().batches.load(Ordering::Relaxed);
            self.batches.inc_by(batches.saturating_sub(self.batches.get()));
            self.identities.set(i64::try_from(identities.len()).unwrap_or(i64::MAX));
        }
    }
}
