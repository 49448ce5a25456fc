//! Sinks that are stopped, hang, are slow or refuse a series: heartbeats are not affected and no sample is lost, whether or
//! not the hub is killed meanwhile.
//!
//! `SINK_SECONDS` is how long each mode lasts: short by default, long in `make soak`. `SINK_MODES` selects modes
//! (`stopped,hanging`). With `SHIPPED`, the programs are built as they are shipped, so that their costs mean something. Both
//! sinks are real; gates in front of them misbehave.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::hub::free_port;
use harness::simulated::{Fleet, Load, Pace, Plan};
use harness::sink_gate::{Behaviour, SinkGate};
use harness::{Awake, Prometheus, VictoriaMetrics, wait};
use store::database::{Durability, LocalPostgres};
use store::testing::scratch_folder;
use time::OffsetDateTime;
use tokio::sync::Mutex;

const CLUSTERS: usize = 40;
const HEARTBEATS_PER_SECOND: f64 = 40.0;
/// About 150 samples for each heartbeat.
const METRICS_KB: &str = "16";
/// So little that most samples wait on disk only.
const MEMORY_MB: f64 = 1.0;
/// The relay retries a sink within half a minute, and then sends everything that the sink missed.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(3);

/// The refused series: one metric of one instance of one cluster.
const REFUSED_METRIC: &str = "lxd_procs_total";
const REFUSED_CLUSTER: &str = "site-00007";

fn seconds() -> u64 {
    std::env::var("SINK_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(8)
}

/// Costs mean nothing while another test runs.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A hub under load, with two sinks that can be made to misbehave.
struct Scene {
    prometheus: Prometheus,
    victoria: VictoriaMetrics,
    gates: [SinkGate; 2],
    fleet: Fleet,
    status: String,
    acked: PathBuf,
    began_at: OffsetDateTime,
    refused_instance: String,
    postgres: LocalPostgres,
    folder: PathBuf,
}

impl Scene {
    async fn start(purpose: &str) -> Self {
        let began_at = OffsetDateTime::now_utc();
        let folder = scratch_folder(purpose);
        let postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
        let (prometheus, victoria) = (Prometheus::start(&[]).await, VictoriaMetrics::start().await);
        let gates = [SinkGate::start(prometheus.write_url()), SinkGate::start(victoria.write_url())];
        let port = free_port().to_string();
        let fleet = Fleet::enrol(
            &postgres,
            Plan {
                name: "cm",
                sites: CLUSTERS,
                is_shipped: std::env::var_os("SHIPPED").is_some(),
                settings: &[
                    ("STATUS_PORT", &port),
                    ("PROMETHEUS_BASE_URL", &gates.each_ref().map(SinkGate::write_url).join(" ")),
                    ("RELAY_SPOOL_PATH", folder.join("spool").to_str().unwrap()),
                    ("RELAY_MEMORY_MB", &MEMORY_MB.to_string()),
                ],
            },
        )
        .await;
        let status = format!("http://127.0.0.1:{port}/metrics");
        let acked = folder.join("acked");
        let mut scene = Self {
            prometheus,
            victoria,
            gates,
            fleet,
            status,
            acked,
            began_at,
            refused_instance: String::new(),
            postgres,
            folder,
        };
        scene.load(5).await;
        scene.drained().await;
        let some = scene.prometheus.query(&format!("{REFUSED_METRIC}{{job='{REFUSED_CLUSTER}'}}")).await;
        some[0].0["name"].as_str().unwrap().clone_into(&mut scene.refused_instance);
        scene
    }

    /// The modes in which the sinks misbehave, in turn.
    fn modes(&self) -> Vec<(&'static str, Behaviour)> {
        let refused = [REFUSED_METRIC, REFUSED_CLUSTER, &self.refused_instance].map(str::to_owned);
        let all = [
            ("stopped", Behaviour::Stopped),
            ("hanging", Behaviour::Hanging),
            ("slow, 2 s per response", Behaviour::Slow(Duration::from_secs(2))),
            ("rejecting one series forever", Behaviour::Rejecting(refused.into())),
        ];
        let wanted = std::env::var("SINK_MODES").ok();
        let is_wanted = |name: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.split(',').any(|wanted| name.starts_with(wanted)))
        };
        all.into_iter().filter(|(name, _)| is_wanted(name)).collect()
    }

    fn behave(&self, behaviour: &Behaviour) {
        self.gates.iter().for_each(|gate| gate.behave(behaviour.clone()));
    }

    async fn load(&self, seconds: u64) -> Load {
        let more = ["--metrics-kb", METRICS_KB, "--acked", self.acked.to_str().unwrap()];
        self.fleet.run_with(Pace::Rate(HEARTBEATS_PER_SECOND), seconds, &more).await
    }

    /// The sum of one of the hub's own metrics over its labels.
    async fn own(&self, metric: &str) -> f64 {
        let text = reqwest::get(&self.status).await.unwrap().text().await.unwrap();
        let lines = text.lines().filter(|line| {
            line.strip_prefix(metric).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
        });
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits until no sample waits for a sink.
    async fn drained(&self) {
        wait::until("the sinks have everything", DRAIN_TIMEOUT, async || {
            self.own("cluster_manager_relay_queued_bytes").await
                + self.own("cluster_manager_relay_spooled_bytes").await
                < 1.0
        })
        .await;
    }

    /// The number of acknowledged heartbeats by cluster.
    fn heartbeats(&self) -> BTreeMap<String, u64> {
        let mut heartbeats = BTreeMap::new();
        for line in std::fs::read_to_string(&self.acked).unwrap().lines() {
            let fields: Vec<_> = line.split('\t').collect();
            if fields[2] != "0" {
                *heartbeats.entry(fields[0].to_owned()).or_default() += 1;
            }
        }
        heartbeats
    }

    /// What both sinks hold, by cluster.
    async fn kept(&self) -> [BTreeMap<String, Kept>; 2] {
        let since = || format!("{}ms", (OffsetDateTime::now_utc() - self.began_at).whole_milliseconds());
        let names = format!("group by (__name__) (last_over_time({{job=~'site-.*'}}[{}]))", since());
        let mut sinks = <[BTreeMap<String, Kept>; 2]>::default();
        for (metric, _) in self.prometheus.query(&names).await {
            let name = metric["__name__"].as_str().unwrap();
            let counts = format!("count_over_time({name}{{job=~'site-.*'}}[{}])", since());
            let refused = format!("job='{REFUSED_CLUSTER}',name='{}'", self.refused_instance);
            let counts = if name == REFUSED_METRIC {
                format!("{counts} unless count_over_time({name}{{{refused}}}[{}])", since())
            } else {
                counts
            };
            let counts = format!("count_values by (job) ('n', {counts})");
            let (one, other) = (self.prometheus.query(&counts).await, self.victoria.query(&counts).await);
            for (sink, found) in sinks.iter_mut().zip([one, other]) {
                for (labels, series) in found {
                    let samples = labels["n"].as_str().unwrap().parse().unwrap();
                    let kept = sink.entry(labels["job"].as_str().unwrap().to_owned()).or_insert(Kept {
                        fewest: samples,
                        most: samples,
                        series: 0,
                    });
                    kept.fewest = kept.fewest.min(samples);
                    kept.most = kept.most.max(samples);
                    kept.series += to_count(series);
                }
            }
        }
        sinks
    }

    /// Waits until both sinks hold one sample of every series for each heartbeat.
    async fn wait_until_sinks_hold(&self, heartbeats: &BTreeMap<String, u64>) {
        let mut wrong = Vec::new();
        let limit = Instant::now() + DRAIN_TIMEOUT;
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        loop {
            wrong.clear();
            for (sink, kept) in ["Prometheus", "VictoriaMetrics"].into_iter().zip(self.kept().await) {
                for (cluster, heartbeats) in heartbeats {
                    match kept.get(cluster) {
                        Some(kept) if (kept.fewest, kept.most) == (*heartbeats, *heartbeats) => {}
                        other => wrong.push(format!("{sink}, {cluster}: {other:?}, not {heartbeats}")),
                    }
                }
            }
            if wrong.is_empty() {
                return;
            }
            assert!(Instant::now() < limit, "samples are missing, or too many:\n{}", wrong.join("\n"));
            ticks.tick().await;
        }
    }

    fn stop(self) {
        let Self { fleet, postgres, folder, .. } = self;
        drop((fleet, postgres));
        let _ = std::fs::remove_dir_all(folder);
    }
}

#[derive(Debug, PartialEq, Eq)]
/// The samples of a cluster in a sink: the fewest and the most of a series, and the number of series.
struct Kept {
    fewest: u64,
    most: u64,
    series: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn disturbed_sinks_affect_no_heartbeat_and_lose_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let scene = Scene::start("sinks").await;
    // An idle machine makes each piece of work cost more, and stopped sinks leave it idle: that is not measured here.
    let _awake = Awake::begin();
    // Measured before and after each mode; together as long as the mode.
    let mut undisturbed = scene.load(seconds().div_ceil(2)).await;
    let rss = scene.fleet.rss_mb();
    println!("{:<32} {:>9} {:>9} {:>9} {:>9} {:>9}", "sinks", "µs each", "ratio", "p99 ms", "ratio", "MB");
    let modes = scene.modes();
    for (name, behaviour) in &modes {
        scene.behave(behaviour);
        let disturbed = scene.load(seconds()).await;
        let rss_now = scene.fleet.rss_mb();
        scene.behave(&Behaviour::Accept);
        scene.drained().await;
        let after = scene.load(seconds().div_ceil(2)).await;
        assert_eq!((disturbed.errors, after.errors), (0, 0), "{name}: a heartbeat failed");
        let usual = |of: fn(&Load) -> f64| f64::midpoint(of(&undisturbed), of(&after));
        let (cpu, p99) = (usual(|load| load.cpu_us_per_beat), usual(|load| load.p99_ms));
        let cpu_ratio = disturbed.cpu_us_per_beat / cpu;
        println!(
            "{name:<32} {:>9.0} {cpu_ratio:>9.2} {:>9.1} {:>9.2} {rss_now:>9.1}",
            disturbed.cpu_us_per_beat,
            disturbed.p99_ms,
            disturbed.p99_ms / p99,
        );
        println!("{:<32} {cpu:>9.0} {:>9} {p99:>9.1}", "  without, before and after", "");
        // The promise is 1.10; the noise of a shared machine must not fail the test.
        assert!(cpu_ratio < 1.5, "{name}: {cpu_ratio}");
        assert!(rss_now < rss + 2.0 * MEMORY_MB + 32.0, "{name}: {rss_now} MB after {rss} MB");
        undisturbed = after;
    }
    let heartbeats = scene.heartbeats();
    assert_eq!(heartbeats.len(), CLUSTERS);
    scene.wait_until_sinks_hold(&heartbeats).await;
    // As many as were handed over: no series is missing, and none was made up.
    let [kept, same] = scene.kept().await;
    assert_eq!(kept, same);
    let samples: u64 = heartbeats.iter().map(|(cluster, count)| count * kept[cluster].series).sum();
    let refused = heartbeats[REFUSED_CLUSTER];
    let handed_over = scene.own("cluster_manager_relay_samples_total").await;
    assert_eq!(samples + refused, to_count(handed_over));
    if modes.iter().any(|(_, behaviour)| matches!(behaviour, Behaviour::Rejecting(_))) {
        assert!(scene.own("cluster_manager_relay_samples_dropped_total").await >= 2.0, "nothing was refused");
    }
    println!("{samples} samples of {} heartbeats are in both sinks, once", heartbeats.values().sum::<u64>());
    scene.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn hub_killed_while_sinks_misbehave_loses_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut scene = Scene::start("killed-sinks").await;
    for (name, behaviour) in scene.modes() {
        scene.behave(&behaviour);
        scene.load(seconds().min(12) / 2).await;
        scene.fleet.kill_and_start().await;
        scene.load(seconds().min(12) / 3).await;
        scene.behave(&Behaviour::Accept);
        scene.drained().await;
        let heartbeats = scene.heartbeats();
        println!("{name}: {} heartbeats so far", heartbeats.values().sum::<u64>());
        scene.wait_until_sinks_hold(&heartbeats).await;
    }
    scene.stop();
}

/// A count, from a number of PromQL.
fn to_count(number: f64) -> u64 {
    number.to_string().parse().unwrap()
}
