//! A hub of two programs, a connector and a management API, with an enrolled fleet, attackers among them, and sinks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::client::Identity;
use fleet::service_account::{ServiceAccountName, ServiceToken};
use fleet::{Actor, Role};
use harness::hub::free_port;
use harness::management::Api;
use harness::simulated::{Fleet, Plan};
use harness::{Program, wait};
use procfs::process::Process;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use store::access::NewServiceAccount;
use store::database::{Durability, LocalPostgres};
use store::testing::scratch_folder;
use tokio::runtime::Runtime;

use super::attacker::{Attacker, Target};
use super::catalogue::Attack;
use super::honest::{self, Readers, Seen};
use super::pace::Pace;
use super::sample_sink::SampleSink;
use super::tls_sink::TlsSink;

/// How many clusters an attacker has at most.
const ATTACKERS: usize = 5;
/// So that a failing defence takes down no machine: a service that needs more than this ends.
const MAX_DATA_BYTES: u64 = 6 << 30;
/// How long an attack goes on before honest clients begin.
const HEAD_START: Duration = Duration::from_millis(500);
/// The longest that an attack goes on.
const LONGEST: Duration = Duration::from_secs(120);
/// Until when the samples of honest clusters must have arrived.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The size of the suite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// The number of enrolled honest clusters.
    pub(crate) clusters: usize,
    /// How long honest clients report during an attack.
    pub(crate) seconds: u64,
    /// Whether programs are built as they are shipped.
    pub(crate) is_shipped: bool,
}

/// What happened during one attack.
pub(crate) struct Outcome {
    /// What honest clients saw.
    pub(crate) seen: Seen,
    /// The peak memory of the connector and of the management API, in MiB.
    pub(crate) peaks: [f64; 2],
    /// The responses that the attacker got, by status.
    pub(crate) statuses: String,
    /// The number of connections that the attacker made.
    pub(crate) made: u64,
    /// The bytes that the attacker sent, in MiB.
    pub(crate) sent: f64,
    /// The number of connections that the attacker held at the end.
    pub(crate) held: u64,
    /// The clusters of which acknowledged metrics did not arrive.
    pub(crate) vanished: Vec<String>,
    /// How fast the attacker went.
    pub(crate) pace: Arc<Pace>,
}

/// Everything under attack.
pub(crate) struct Scene {
    fleet: Fleet,
    management: Option<Program>,
    ports: Ports,
    token: String,
    attackers: Vec<Identity>,
    samples: SampleSink,
    sink: TlsSink,
    size: Size,
    attack_runtime: Option<Runtime>,
    postgres: LocalPostgres,
    folder: PathBuf,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    management: u16,
    status: u16,
}

impl Scene {
    /// Starts a hub, and enrols the clusters.
    pub(crate) async fn start(size: Size) -> Self {
        let folder = scratch_folder("attacks");
        let postgres = LocalPostgres::start(&folder, None, Durability::Full).unwrap();
        let samples = SampleSink::start().await;
        let ports = Ports { management: free_port(), status: free_port() };
        let settings =
            [("STATUS_PORT", &*ports.status.to_string()), ("PROMETHEUS_BASE_URL", &samples.write_url())];
        let Size { clusters, is_shipped, .. } = size;
        let plan = Plan { name: "cm", sites: clusters, is_shipped, settings: &settings };
        let mut fleet = Fleet::enrol(&postgres, plan).await;
        let mut attackers = Vec::new();
        for number in 0..ATTACKERS {
            attackers.push(fleet.hub.enrol(&format!("attacker-{number}")).await.keys.identity());
        }
        // Clusters joined without a limit; what follows has the limits that everybody has.
        for name in ["RATE_LIMIT_REFILL_RATE", "RATE_LIMIT_BUCKET_SIZE"] {
            fleet.hub.set(name, "");
        }
        let sink = TlsSink::start(&fleet.hub.folder().join("connector")).await;
        let token = service_account(&fleet).await;
        let attack_runtime = Some(super::runtime(2));
        Self {
            fleet,
            management: None,
            ports,
            token,
            attackers,
            samples,
            sink,
            size,
            attack_runtime,
            postgres,
            folder,
        }
    }

    /// Starts both services anew, so that nothing is left of an earlier attack.
    pub(crate) async fn start_anew(&mut self) {
        self.management = None;
        self.fleet.kill_and_start().await;
        let command = self.fleet.hub.management_command(self.ports.management, self.size.is_shipped);
        self.management = Some(Program::start(command));
        let api = Api::of(&self.fleet.hub, self.ports.management, None);
        wait::until("the management API is ready", Duration::from_secs(60), async || {
            api.request("GET", "/1.0/status").send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
        for id in self.ids() {
            let limit = Rlimit { current: Some(MAX_DATA_BYTES), maximum: Some(MAX_DATA_BYTES) };
            prlimit(Pid::from_raw(id), Resource::Data, limit).unwrap();
        }
        self.samples.clear();
    }

    /// What honest clients see while nobody attacks.
    pub(crate) async fn in_peace(&self) -> Seen {
        self.honest_clients(self.size.clusters).await
    }

    /// What honest clients see while the plain sink is attacked in place of the hub, and what the attacker did.
    pub(crate) async fn beside_the_sink(&self, attack: &Attack, pace: &Arc<Pace>) -> (Seen, String) {
        let TlsSink { connector, management, plain: status, .. } = self.sink;
        let attacker =
            self.attacker(attack, Target { connector, management, status }, Some(Arc::clone(pace)));
        let (seen, _) = self.during(attack, Arc::clone(&attacker)).await;
        let did = format!("{} connections, {:.0} MiB", attacker.made(), attacker.sent_mib());
        (seen, did)
    }

    /// What happens while the hub is attacked.
    pub(crate) async fn under_attack(&self, attack: &Attack) -> Outcome {
        let local = |port| ([127, 0, 0, 1], port).into();
        let target = Target {
            connector: local(self.fleet.hub.address.port()),
            management: local(self.ports.management),
            status: local(self.ports.status),
        };
        self.samples.clear();
        for id in self.ids() {
            // Resets the peak.
            std::fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();
        }
        let attacker = self.attacker(attack, target, None);
        let (seen, held) = self.during(attack, Arc::clone(&attacker)).await;
        let pace = Arc::new(attacker.pace());
        let vanished = self.vanished(&seen).await;
        let peaks = self.ids().map(peak_mib);
        let statuses: Vec<_> =
            attacker.tally().statuses().iter().map(|(status, count)| format!("{count} × {status}")).collect();
        Outcome {
            seen,
            peaks,
            statuses: statuses.join(", "),
            made: attacker.made(),
            sent: attacker.sent_mib(),
            held,
            vanished,
            pace,
        }
    }

    /// The size of the whole list in bytes, and that of its first page of 500.
    pub(crate) async fn list_sizes(&self) -> [usize; 2] {
        let api = Api::of(&self.fleet.hub, self.ports.management, Some(self.token.clone()));
        let mut sizes = [0; 2];
        for (size, query) in sizes.iter_mut().zip(["", "?limit=500"]) {
            let response = api.get(&format!("/1.0/remote-cluster{query}")).await;
            assert_eq!(response.status, 200, "{}", response.text);
            assert_ne!(response.body, Value::Null);
            *size = response.text.len();
        }
        sizes
    }

    /// Stops everything.
    pub(crate) fn stop(mut self) {
        if let Some(runtime) = self.attack_runtime.take() {
            runtime.shutdown_background();
        }
        let Self { fleet, management, postgres, folder, .. } = self;
        drop((fleet, management, postgres));
        let _ = std::fs::remove_dir_all(folder);
    }

    fn attacker(&self, attack: &Attack, target: Target, pace: Option<Arc<Pace>>) -> Arc<Attacker> {
        Attacker::new(target, self.attackers[..attack.clusters].to_vec(), LONGEST, pace)
    }

    /// Honest clients during an attack, which then ends. Also returns how many connections the attacker held.
    async fn during(&self, attack: &Attack, attacker: Arc<Attacker>) -> (Seen, u64) {
        let runtime = self.attack_runtime.as_ref().unwrap();
        let attacking = runtime.spawn((attack.run)(Arc::clone(&attacker)));
        tokio::time::sleep(HEAD_START).await;
        let seen = self.honest_clients(self.size.clusters).await;
        let held = attacker.held();
        attacking.abort();
        let _ = attacking.await;
        (seen, held)
    }

    async fn honest_clients(&self, clusters: usize) -> Seen {
        let Ports { management, status } = self.ports;
        let readers = Readers { hub: &self.fleet.hub, management, status, token: self.token.clone() };
        honest::clients(&self.fleet, clusters, &readers, self.size.seconds).await
    }

    /// Waits for the samples of all acknowledged heartbeats. Returns the clusters of which some do not come.
    async fn vanished(&self, seen: &Seen) -> Vec<String> {
        let begun = std::time::Instant::now();
        loop {
            let arrived = self.samples.heartbeats();
            let missing = seen.acknowledged.iter().filter_map(|(cluster, heartbeats)| {
                let arrived = arrived.get(cluster).copied().unwrap_or_default();
                (arrived < *heartbeats).then(|| cluster.clone())
            });
            let missing: Vec<_> = missing.collect();
            if missing.is_empty() || begun.elapsed() > ARRIVAL {
                return missing;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn ids(&self) -> [i32; 2] {
        [self.fleet.id(), self.management.as_ref().expect("it was started").id()]
    }
}

/// The peak memory of a process; infinite if it has ended.
fn peak_mib(id: i32) -> f64 {
    let peak =
        Process::new(id).ok().and_then(|process| process.status().ok()).and_then(|status| status.vmhwm);
    peak.map_or(f64::INFINITY, |kib| kib as f64 / 1024.0)
}

/// The token of a new service account that may read.
async fn service_account(fleet: &Fleet) -> String {
    let token = ServiceToken::from_random(&rand::random());
    let account = NewServiceAccount {
        name: ServiceAccountName::new("reader").unwrap(),
        role: Role::Viewer,
        description: "reads during attacks".to_owned(),
        expiry: fleet.hub.store.now().await.unwrap() + time::Duration::DAY,
    };
    let origin = Actor::command_line("test").locally();
    fleet.hub.store.put_service_account(&account, &token, &origin).await.unwrap();
    token.expose().to_owned()
}
