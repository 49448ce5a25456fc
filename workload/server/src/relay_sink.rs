//! Hands the metrics of heartbeats to the relay, ends the series of lost clusters, and reports the state of the sinks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use connector::{MemberExposition, MetricsSink};
use fleet::Judge;
use fleet::warning::Finding;
use fleet::{HealthRules, HealthState, Severity, WarningKind};
use relay::time::UnixMillis;
use relay::{Budget, Exposition, Relay, SinkState, SinkStatus};
use store::Store;
use store::clusters::EnrolledCluster;
use store::metrics_sinks::{self, SinkReport};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A body up to this size in bytes may stay in memory for a small part of it.
const MAX_KEPT_BODY_BYTES: usize = 256 * 1024;
/// How often to check for clusters that were removed or are lost.
const LOST_CHECK_INTERVAL: Duration = Duration::from_secs(15);
/// How long the sinks have to take what is queued when the process ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A relay behind the connector, until it is shut down.
pub(crate) struct RelaySink(RwLock<Option<Arc<Relay>>>);

impl MetricsSink for RelaySink {
    fn accept(&self, cluster: &EnrolledCluster, metrics: Vec<MemberExposition>) {
        let Some(relay) = self.relay() else { return };
        let received = UnixMillis::now();
        let max_bytes = relay.max_exposition_bytes();
        // Only when the relay takes the next one, so that there are no more copies than the relay keeps.
        let expositions =
            metrics.into_iter().map(|MemberExposition { member, service, escaped, body_bytes }| {
                let is_kept_as_slice =
                    body_bytes <= MAX_KEPT_BODY_BYTES || escaped.len() >= body_bytes / 8 * 7;
                let escaped = if is_kept_as_slice || escaped.len() > max_bytes {
                    escaped
                } else {
                    Bytes::copy_from_slice(&escaped)
                };
                Exposition { cluster: cluster.name.clone(), member, service, received, escaped }
            });
        relay.accept_report(&cluster.name, received, expositions);
    }

    fn findings(&self, cluster: &EnrolledCluster) -> Vec<Finding> {
        let Some(relay) = self.relay() else { return Vec::new() };
        relay.exceeded(&cluster.name).into_iter().map(excess).collect()
    }
}

/// The warning about a budget that a cluster exceeds.
fn excess(budget: Budget) -> Finding {
    let (subject, text) = match budget {
        Budget::Bytes => (
            "bytes",
            "the metrics of a report are larger than RELAY_CLUSTER_MB allows, or more than can be parsed; some are left out",
        ),
        Budget::Series => {
            ("series", "the cluster has more series than RELAY_CLUSTER_SERIES allows; some are left out")
        }
        Budget::Queue => (
            "queue",
            "a metrics sink is behind, and of this cluster the most samples waited; the oldest were dropped",
        ),
    };
    Finding {
        kind: WarningKind::Metrics,
        subject: subject.to_owned(),
        severity: Severity::Warning,
        text: text.to_owned(),
    }
}

impl RelaySink {
    pub(crate) fn new(relay: Relay) -> Self {
        Self(RwLock::new(Some(Arc::new(relay))))
    }

    fn relay(&self) -> Option<Arc<Relay>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Accepts no more metrics and gives the sinks some time for what is queued.
    pub(crate) async fn shut_down(&self) {
        let relay = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        // If a heartbeat holds the relay right now, the relay stops as if the process had been killed.
        if let Some(relay) = relay.and_then(Arc::into_inner) {
            relay.shut_down(SHUTDOWN_TIMEOUT).await;
        }
    }

    /// Ends the series of clusters that were removed or are lost, until shutdown.
    pub(crate) async fn end_lost_clusters(
        self: Arc<Self>,
        store: Store,
        rules: HealthRules,
        shutdown: CancellationToken,
    ) {
        let mut ticks = tokio::time::interval(LOST_CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(outcome) =
                shutdown.run_until_cancelled(self.end_lost_clusters_once(&store, &rules)).await
            else {
                return;
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "cannot check for lost clusters whose series should end");
            }
        }
    }

    /// Reports the state of the sinks to the database, where every unit reads it, until shutdown.
    pub(crate) async fn report_states(self: Arc<Self>, store: Store, shutdown: CancellationToken) {
        let unit = Uuid::now_v7();
        let mut ticks = tokio::time::interval(metrics_sinks::REPORT_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(relay) = self.relay() else { return };
            let reports: Vec<_> = relay.sinks().into_iter().map(report).collect();
            // The shutdown needs the only reference.
            drop(relay);
            if let Err(error) = store.report_sinks(unit, &reports).await {
                tracing::debug!(%error, "cannot report the state of the metrics sinks");
            }
        }
    }

    async fn end_lost_clusters_once(
        &self,
        store: &Store,
        rules: &HealthRules,
    ) -> Result<(), store::StoreError> {
        let Some(relay) = self.relay() else { return Ok(()) };
        // Every cluster with series here, even one that reported just now: it may have been removed since.
        let relayed = relay.silent_since(UnixMillis::now()).await;
        if relayed.is_empty() {
            return Ok(());
        }
        let (clock, clusters) = store.fleet_snapshot().await?;
        let judge = Judge::new(rules, &clock);
        let by_name: HashMap<_, _> = clusters.iter().map(|cluster| (&cluster.name, cluster)).collect();
        for name in relayed {
            // A cluster that now reports to another unit is neither removed nor lost.
            if by_name.get(&name).is_none_or(|cluster| judge.state(cluster) == HealthState::Lost) {
                tracing::debug!(cluster = %name, "ending the series of a removed or lost cluster");
                relay.end(name);
            }
        }
        Ok(())
    }
}

fn report(sink: SinkStatus) -> SinkReport {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let (state, reason) = match sink.state {
        SinkState::Idle => ("idle", None),
        SinkState::Taking => ("taking", None),
        // The text comes from the sink and may hold NUL, which PostgreSQL does not accept.
        SinkState::Failing(why) => ("failing", Some(why.replace('\0', "\u{fffd}"))),
    };
    SinkReport {
        sink: sink.name,
        state: state.to_owned(),
        reason,
        oldest_seconds: sink.oldest.as_secs_f64(),
        waiting_bytes: number(sink.waiting_bytes),
        samples_sent: number(sink.sent),
        samples_dropped: number(sink.dropped),
    }
}
