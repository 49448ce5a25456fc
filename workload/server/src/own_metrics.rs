//! What this process shows of itself on the status port beside what its services count: the database as it sees it,
//! its build, and how every cluster stands. The latter is the same in every unit.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use fleet::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES};
use fleet::standing::Judge;
use fleet::{HealthRules, HealthState, ServiceClock, Standing};
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

/// How often it is looked: oftener than metrics are scraped, since a look costs by what changed since the last one, and
/// heartbeats should not have to wait for a long one.
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

/// What one process shows of itself.
pub(crate) struct OwnMetrics {
    store: Store,
    clusters: Arc<Clusters>,
    connections: Family<StateLabel, Gauge>,
    database: Histogram,
}

/// How the clusters stood when it was last looked.
#[derive(Debug)]
struct Clusters {
    rules: HealthRules,
    seen: RwLock<Option<Seen>>,
}

#[derive(Debug)]
struct Seen {
    clock: ServiceClock,
    at: Instant,
    standings: Arc<Vec<Arc<Standing>>>,
}

impl OwnMetrics {
    pub(crate) fn new(store: Store, rules: HealthRules) -> Self {
        Self {
            store,
            clusters: Arc::new(Clusters { rules, seen: RwLock::default() }),
            connections: Family::default(),
            database: Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
            ]),
        }
    }

    /// Shows them under `cluster_manager_…`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let prefix = registry.sub_registry_with_prefix("cluster_manager");
        prefix.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        prefix.register("database_connections", "Connections to the database", self.connections.clone());
        prefix.register(
            "database_seconds",
            "How long the database takes for the shortest of answers",
            self.database.clone(),
        );
        registry.register_collector(Box::new(Arc::clone(&self.clusters)));
    }

    /// Looks every so often until shutdown.
    pub(crate) async fn follow(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let begun = Instant::now();
            let seen = match self.store.ping().await {
                Ok(()) => {
                    self.database.observe(begun.elapsed().as_secs_f64());
                    self.store.standings().await
                }
                Err(error) => Err(error),
            };
            // Of a database that is away, nothing is shown rather than what was.
            let seen = seen.ok().map(|(clock, standings)| Seen { clock, at: Instant::now(), standings });
            *self.clusters.seen.write().unwrap_or_else(PoisonError::into_inner) = seen;
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
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Seen { clock, at, standings }) = &*seen else { return Ok(()) };
        let passed = at.elapsed();
        let clock = ServiceClock {
            now: clock.now + passed,
            // It goes on as it went: whether it stands still is known at the next look.
            accepting_until: if clock.is_outage() { clock.accepting_until } else { clock.now + passed },
            ..*clock
        };
        let judge = Judge::new(&self.rules, &clock);
        let mut gauge = |name: &str, help: &str, value: &dyn Fn(&Standing) -> Option<f64>| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            each(metric, standings, value)
        };
        gauge("cluster_manager_cluster_up", "1 unless the cluster is lost", &|cluster| {
            Some(if judge.state(cluster) == HealthState::Lost { 0.0 } else { 1.0 })
        })?;
        gauge("cluster_manager_cluster_health", "0 fresh, 1 late, 2 lost", &|cluster| {
            Some(f64::from(judge.state(cluster).rank()))
        })?;
        gauge(
            "cluster_manager_cluster_heartbeat_age_seconds",
            "Since the last heartbeat, by the wall clock",
            &|cluster| Some((clock.now - cluster.last_heartbeat_at?).as_seconds_f64().max(0.0)),
        )?;
        gauge(
            "cluster_manager_cluster_certificate_expiry_timestamp_seconds",
            "Until when the cluster's certificate is valid",
            &|cluster| Some(cluster.certificate_not_after.unix_timestamp() as f64),
        )?;
        let reported = |cluster: &Standing| cluster.last_heartbeat_at.is_some();
        gauge("cluster_manager_cluster_memory_usage_ratio", "The used share of its memory", &|cluster| {
            reported(cluster).then(|| f64::from(cluster.report.memory_share.hundredths()) / 10_000.0)
        })?;
        gauge(
            "cluster_manager_cluster_storage_usage_ratio",
            "The used share of its fullest storage pool",
            &|cluster| {
                reported(cluster).then(|| f64::from(cluster.report.storage_share.hundredths()) / 10_000.0)
            },
        )?;
        by_status(&mut encoder, standings, &judge)
    }
}

/// One gauge of each cluster that has the value.
fn each(
    mut metric: MetricEncoder<'_>,
    standings: &[Arc<Standing>],
    value: &dyn Fn(&Standing) -> Option<f64>,
) -> fmt::Result {
    for cluster in standings {
        if let Some(value) = value(cluster) {
            metric.encode_family(&[("cluster", cluster.name.as_str())])?.encode_gauge(&value)?;
        }
    }
    Ok(())
}

fn by_status(
    encoder: &mut DescriptorEncoder<'_>,
    standings: &[Arc<Standing>],
    judge: &Judge<'_>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(
        "cluster_manager_cluster_warnings",
        "Its warnings, silence and certificate included",
        None,
        MetricType::Gauge,
    )?;
    for cluster in standings {
        let (critical, all) = judge.warnings(cluster);
        for (severity, count) in [("critical", critical), ("warning", all - critical)] {
            let labels = [("cluster", cluster.name.as_str()), ("severity", severity)];
            metric.encode_family(&labels)?.encode_gauge(&count)?;
        }
    }
    let mut statuses = |name, help, words: [&'static str; 4], of: fn(&Standing) -> [i32; 4]| {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for cluster in standings {
            for (word, count) in words.into_iter().zip(of(cluster)) {
                let labels = [("cluster", cluster.name.as_str()), ("status", word)];
                metric.encode_family(&labels)?.encode_gauge(&i64::from(count))?;
            }
        }
        Ok(())
    };
    let (members, instances) = ("cluster_manager_cluster_members", "cluster_manager_cluster_instances");
    statuses(members, "Its members, by LXD's usual statuses", MEMBER_STATUSES, |of| of.report.members)?;
    statuses(instances, "Its instances, by LXD's usual statuses", INSTANCE_STATUSES, |of| of.report.instances)
}
