//! A hub as a process of its own with an enrolled fleet, and the cost of a load on it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use procfs::process::Process;
use protocol::{Address, ClusterName, JoinToken, Secret};
use secrecy::ExposeSecret as _;
use store::database::{LocalPostgres, create_database};
use time::Duration;

use crate::Program;
use crate::hub::{Hub, UNLIMITED};
use crate::process::{command, command_at};
use crate::programs::shipped;

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// A hub with an enrolled fleet.
pub struct Fleet {
    /// The hub.
    pub hub: Hub,
    /// How many clusters joined per second.
    pub joins_per_second: f64,
    is_shipped: bool,
    program: Option<Program>,
    state: PathBuf,
    pub(crate) sites: usize,
}

/// What [`Fleet::enrol`] starts.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The database's name.
    pub name: &'a str,
    /// The number of clusters to enrol.
    pub sites: usize,
    /// Whether the programs are built as they are shipped, so that costs mean something.
    pub is_shipped: bool,
    /// More of the hub's settings.
    pub settings: &'a [(&'a str, &'a str)],
}

/// The rate of heartbeats.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Heartbeats per second, whether or not the hub keeps up.
    Rate(f64),
    /// Seconds between two heartbeats of a cluster.
    Interval(f64),
    /// The number of concurrent callers, each of which sends one heartbeat after the other.
    ClosedLoop(usize),
}

/// A load, and its cost.
#[derive(Debug)]
pub struct Load {
    /// Acknowledged heartbeats.
    pub beats: u64,
    /// Acknowledged heartbeats per second.
    pub beats_per_second: f64,
    /// The median time from when a heartbeat was due to its response.
    pub p50_ms: f64,
    /// The 99th percentile of that.
    pub p99_ms: f64,
    /// Heartbeats that failed.
    pub errors: u64,
    /// The CPU time of the hub's process for each acknowledged heartbeat, in microseconds.
    pub cpu_us_per_beat: f64,
    /// The CPU time of the hub's process, in percent of one core.
    pub cpu_percent: f64,
}

impl Fleet {
    /// Starts a hub on a database of its own, and enrols clusters over the wire.
    pub async fn enrol(postgres: &LocalPostgres, plan: Plan<'_>) -> Self {
        let Plan { name, sites, is_shipped, settings } = plan;
        create_database(&postgres.options("postgres"), name).await.unwrap();
        let settings = [&UNLIMITED[..], &[("LOG_LEVEL", "info")], settings].concat();
        let hub = Hub::without_units(postgres.options(name), &settings);
        let program = start(&hub, is_shipped).await;
        let tokens = hub.folder().join("tokens");
        std::fs::write(&tokens, make_tokens(&hub, sites).await).unwrap();
        let state = hub.folder().join("fleet");
        let mut fleet = Self { hub, joins_per_second: 0.0, is_shipped, program: Some(program), state, sites };
        let arguments = ["--join-only", "--tokens-from", tokens.to_str().unwrap()].map(str::to_owned);
        let report = fleet.fleetsim(&arguments).await;
        assert_eq!(report["joined"], sites, "{report}");
        fleet.joins_per_second = report["joins_per_second"].as_f64().unwrap();
        fleet
    }

    /// Kills the hub, as a power cut would, and starts it again.
    pub async fn kill_and_start(&mut self) {
        // Waits for its end, because two hubs cannot share a spool.
        self.program.take().map(Program::kill);
        self.program = Some(start(&self.hub, self.is_shipped).await);
    }

    /// Puts a load on the hub for a number of seconds.
    pub async fn run(&self, pace: Pace, seconds: u64) -> Load {
        self.run_with(pace, seconds, &[]).await
    }

    /// The same, with more arguments for `fleetsim`.
    pub async fn run_with(&self, pace: Pace, seconds: u64, more: &[&str]) -> Load {
        let pace = match pace {
            Pace::Rate(rate) => ["--rate".to_owned(), rate.to_string()],
            Pace::Interval(interval) => ["--interval".to_owned(), interval.to_string()],
            Pace::ClosedLoop(at_once) => ["--closed-loop".to_owned(), at_once.to_string()],
        };
        let mut arguments = vec!["--duration".to_owned(), format!("{seconds}s")];
        arguments.extend(pace);
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let before = self.cpu_seconds();
        let report = self.fleetsim(&arguments).await;
        let cpu = self.cpu_seconds() - before;
        let beats = report["beats"].as_f64().unwrap();
        let errors =
            report["beat_errors"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        Load {
            beats: report["beats"].as_u64().unwrap(),
            beats_per_second: report["beats_per_second"].as_f64().unwrap(),
            p50_ms: report["whole"]["p50_ms"].as_f64().unwrap(),
            p99_ms: report["whole"]["p99_ms"].as_f64().unwrap(),
            errors,
            cpu_us_per_beat: cpu * 1e6 / beats,
            cpu_percent: cpu * 100.0 / report["seconds"].as_f64().unwrap(),
        }
    }

    /// The report of `fleetsim` with these arguments, for the first clusters of the fleet.
    pub async fn simulate(&self, clusters: usize, arguments: &[String]) -> serde_json::Value {
        let mut fleet =
            if self.is_shipped { command_at(&shipped("fleetsim"), &[]) } else { command("fleetsim", &[]) };
        fleet.arg("--state").arg(&self.state).args(["--report", "json", "--quiet"]);
        fleet.args(["--sites", &clusters.to_string()]);
        fleet.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = tokio::task::spawn_blocking(move || fleet.output().unwrap()).await.unwrap();
        serde_json::from_slice(&output.stdout).expect("fleetsim reports")
    }

    /// The process id of the hub.
    pub fn id(&self) -> i32 {
        self.program.as_ref().unwrap().id()
    }

    /// The resident memory of the hub's process, in megabytes.
    pub fn rss_mb(&self) -> f64 {
        let status = self.process().status().unwrap();
        status.vmrss.unwrap() as f64 * 1024.0 / 1e6
    }

    fn process(&self) -> Process {
        Process::new(self.id()).unwrap()
    }

    /// The CPU time that the hub's process has spent so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = self.process().stat().unwrap();
        (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
    }

    async fn fleetsim(&self, arguments: &[String]) -> serde_json::Value {
        self.simulate(self.sites, arguments).await
    }
}

async fn start(hub: &Hub, is_shipped: bool) -> Program {
    let command = if is_shipped { hub.shipped_connector_command() } else { hub.connector_command() };
    let mut program = Program::start(command);
    program.prints("ready").await;
    let store = hub.store.clone();
    crate::wait::until("the database is migrated", TIMEOUT, async || store.ensure_current().await.is_ok())
        .await;
    program
}

/// The hub's address for a fleet: an IP address, because resolving a name is the clusters' own work and here it would take
/// its time from the hub.
pub(crate) fn numeric_address(hub: &Hub) -> Address {
    Address::new("127.0.0.1", hub.address.port()).unwrap()
}

/// Join tokens for a number of clusters, one per line. Created through the store: the command line creates one at a time.
async fn make_tokens(hub: &Hub, sites: usize) -> String {
    let fingerprint = edge::ServerIdentity::load(&hub.folder().join("connector")).unwrap().leaf_fingerprint();
    let now = hub.store.now().await.unwrap();
    let origin = fleet::Actor::command_line("bench").locally();
    let mut lines = String::new();
    for number in 0..sites {
        let name = format!("site-{number:05}");
        let token = JoinToken {
            secret: Secret::from_text(format!("{number:064}")),
            expires_at: now + Duration::HOUR,
            addresses: vec![numeric_address(hub)],
            server_name: name.clone(),
            fingerprint,
        };
        let pending = fleet::PendingToken {
            cluster_name: ClusterName::new(name).unwrap(),
            description: String::new(),
            expiry: token.expires_at,
            created_at: now,
        };
        hub.store.put_join_token(&pending, &token.secret, &origin).await.unwrap();
        writeln!(lines, "{}", token.encode().expose_secret()).unwrap();
    }
    lines
}
