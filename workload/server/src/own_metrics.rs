//! The metrics on the status port that no service counts: the build, the database as this unit sees it, and the state
//! of every cluster, which is the same in all units.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use fleet::Judge;
use fleet::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES};
use fleet::{ClusterState, HealthRules, HealthState, ServiceClock};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often the state is read: more often than metrics are scraped, since the cost grows with the changes since the last
/// read and heartbeats must not wait for a long one.
const READ_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

/// The metrics of this unit.
pub(crate) struct OwnMetrics {
    store: Store,
    clusters: Arc<Clusters>,
    connections: Family<StateLabel, Gauge>,
    database: Histogram,
}

/// The metrics of the clusters, from the state that was last read.
#[derive(Debug)]
struct Clusters {
    rules: HealthRules,
    snapshot: RwLock<Option<Snapshot>>,
}

#[derive(Debug)]
struct Snapshot {
    clock: ServiceClock,
    at: Instant,
    clusters: Arc<Vec<Arc<ClusterState>>>,
}

impl OwnMetrics {
    pub(crate) fn new(store: Store, rules: HealthRules) -> Self {
        Self {
            store,
            clusters: Arc::new(Clusters { rules, snapshot: RwLock::default() }),
            connections: Family::default(),
            database: Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
            ]),
        }
    }

    /// Registers the metrics, whose names begin with `cluster_manager_`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let prefix = registry.sub_registry_with_prefix("cluster_manager");
        prefix.register("build", "Build of the program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        prefix.register(
            "database_connections",
            "Open connections to the database, by state",
            self.connections.clone(),
        );
        prefix.register(
            "database_seconds",
            "Duration of the simplest query to the database",
            self.database.clone(),
        );
        registry.register_collector(Box::new(Arc::clone(&self.clusters)));
    }

    /// Reads the state at intervals until shutdown.
    pub(crate) async fn follow(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(READ_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let begun = Instant::now();
            let snapshot = match self.store.ping().await {
                Ok(()) => {
                    self.database.observe(begun.elapsed().as_secs_f64());
                    self.store.fleet_snapshot().await
                }
                Err(error) => Err(error),
            };
            // While the database is not available, show nothing instead of old values.
            let snapshot =
                snapshot.ok().map(|(clock, clusters)| Snapshot { clock, at: Instant::now(), clusters });
            *self.clusters.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
            let (open, idle) = self.store.connections();
            for (state, count) in [("idle", idle), ("used", open.saturating_sub(idle))] {
                let gauge = self.connections.get_or_create(&StateLabel { state });
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }
}

impl Collector for Clusters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Snapshot { clock, at, clusters }) = &*snapshot else { return Ok(()) };
        let passed = at.elapsed();
        let clock = ServiceClock {
            now: clock.now + passed,
            // Assume that the hub still accepts heartbeats; the next read shows if it does not.
            accepting_until: if clock.is_outage() { clock.accepting_until } else { clock.now + passed },
            ..*clock
        };
        let judge = Judge::new(&self.rules, &clock);
        let mut gauge = |name: &str, help: &str, value: &dyn Fn(&ClusterState) -> Option<f64>| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            each(metric, clusters, value)
        };
        gauge("cluster_manager_cluster_up", "0 if the cluster is lost, else 1", &|cluster| {
            Some(if judge.state(cluster) == HealthState::Lost { 0.0 } else { 1.0 })
        })?;
        gauge(
            "cluster_manager_cluster_health",
            "Health of the cluster: 0 fresh, 1 late, 2 lost",
            &|cluster| Some(f64::from(judge.state(cluster).rank())),
        )?;
        gauge(
            "cluster_manager_cluster_heartbeat_age_seconds",
            "Time since the last heartbeat, in seconds",
            &|cluster| Some((clock.now - cluster.last_heartbeat_at?).as_seconds_f64().max(0.0)),
        )?;
        gauge(
            "cluster_manager_cluster_certificate_expiry_timestamp_seconds",
            "Expiry of the cluster's certificate, as Unix time",
            &|cluster| Some(cluster.certificate_not_after.unix_timestamp() as f64),
        )?;
        let reported = |cluster: &ClusterState| cluster.last_heartbeat_at.is_some();
        gauge(
            "cluster_manager_cluster_memory_usage_ratio",
            "Used share of the cluster's memory, from 0 to 1",
            &|cluster| {
                reported(cluster).then(|| f64::from(cluster.report.memory_share.hundredths()) / 10_000.0)
            },
        )?;
        gauge(
            "cluster_manager_cluster_storage_usage_ratio",
            "Used share of the cluster's fullest storage pool, from 0 to 1",
            &|cluster| {
                reported(cluster).then(|| f64::from(cluster.report.storage_share.hundredths()) / 10_000.0)
            },
        )?;
        by_status(&mut encoder, clusters, &judge)
    }
}

/// Encodes one gauge for each cluster that has the value.
fn each(
    mut metric: MetricEncoder<'_>,
    clusters: &[Arc<ClusterState>],
    value: &dyn Fn(&ClusterState) -> Option<f64>,
) -> fmt::Result {
    for cluster in clusters {
        if let Some(value) = value(cluster) {
            metric.encode_family(&[("cluster", cluster.name.as_str())])?.encode_gauge(&value)?;
        }
    }
    Ok(())
}

fn by_status(
    encoder: &mut DescriptorEncoder<'_>,
    clusters: &[Arc<ClusterState>],
    judge: &Judge<'_>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(
        "cluster_manager_cluster_warnings",
        "Warnings of the cluster, including lateness and certificate",
        None,
        MetricType::Gauge,
    )?;
    for cluster in clusters {
        let (critical, all) = judge.warnings(cluster);
        for (severity, count) in [("critical", critical), ("warning", all - critical)] {
            let labels = [("cluster", cluster.name.as_str()), ("severity", severity)];
            metric.encode_family(&labels)?.encode_gauge(&count)?;
        }
    }
    let mut statuses = |name, help, words: [&'static str; 4], of: fn(&ClusterState) -> [i32; 4]| {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for cluster in clusters {
            for (word, count) in words.into_iter().zip(of(cluster)) {
                let labels = [("cluster", cluster.name.as_str()), ("status", word)];
                metric.encode_family(&labels)?.encode_gauge(&i64::from(count))?;
            }
        }
        Ok(())
    };
    let (members, instances) = ("cluster_manager_cluster_members", "cluster_manager_cluster_instances");
    statuses(members, "Members of the cluster, by LXD's usual statuses", MEMBER_STATUSES, |of| {
        of.report.members
    })?;
    statuses(instances, "Instances of the cluster, by LXD's usual statuses", INSTANCE_STATUSES, |of| {
        of.report.instances
    })
}
