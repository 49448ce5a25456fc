//! A hub: its own database, certificates, and one or more units, in this process or as programs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use agent::client::{CallOptions, ClusterClient, Keys, Network, Proof, call};
use protocol::Address;
use secrecy::ExposeSecret as _;
use server::unit::{self, Addresses};
use settings::Source;
use store::{DatabaseOptions, Store};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::process::{self, Ended, Program};
use crate::programs;

/// Settings without a rate limit.
pub const UNLIMITED: [(&str, &str); 2] =
    [("RATE_LIMIT_REFILL_RATE", "100000"), ("RATE_LIMIT_BUCKET_SIZE", "1000000")];

/// The address of the harness's own calls. It differs from the load balancer's, which may have to send a PROXY header.
const HARNESS_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A hub under test. Its units in this process stop when it is dropped.
pub struct Hub {
    /// Its database.
    pub database: DatabaseOptions,
    /// The store over its database, for what the command line does not show.
    pub store: Store,
    /// The address in join tokens: the first unit's.
    pub address: Address,
    variables: Vec<(String, String)>,
    folder: TempDir,
    units: Vec<Unit>,
    managements: Vec<Unit>,
}

/// A unit in this process: a connector, or the management API.
pub struct Unit {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its status port listens.
    pub status: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Hub {
    /// A hub with one unit in this process.
    pub async fn start() -> Self {
        let mut hub = Self::without_units(store::testing::empty_database().await.unwrap(), &[]);
        hub.add_unit().await;
        hub
    }

    /// A hub with one unit in this process, without a rate limit.
    pub async fn start_unlimited() -> Self {
        let mut hub = Self::without_units(store::testing::empty_database().await.unwrap(), &UNLIMITED);
        hub.add_unit().await;
        hub
    }

    /// A hub over this database, with more settings, whose units are started later.
    pub fn without_units(database: DatabaseOptions, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for service in ["connector", "management"] {
            server::certificate::ensure(&folder.path().join(service), IpAddr::V4(Ipv4Addr::LOCALHOST))
                .unwrap();
        }
        let address = Address::new("localhost", free_port()).unwrap();
        let mut variables = variables(&database, folder.path(), &address);
        variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let source = Source::from_variables(variables.clone()).unwrap();
        let store = cli::setup::store(&source).unwrap();
        Self { database, store, address, variables, folder, units: Vec::new(), managements: Vec::new() }
    }

    /// Starts one more unit in this process. Returns as soon as it listens.
    pub async fn add_starting_unit(&mut self) -> &Unit {
        let port = if self.units.is_empty() { self.address.port() } else { 0 };
        let connector = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let unit = self.run(Addresses { connector, ..Addresses::default() }).await;
        self.units.push(unit);
        self.units.last().unwrap()
    }

    /// Starts one more unit in this process; waits until it is ready.
    pub async fn add_unit(&mut self) -> &Unit {
        self.add_starting_unit().await;
        let unit = self.units.last().unwrap();
        let (address, there) = (self.address.clone(), unit.address);
        crate::wait::until("the unit is ready", Duration::from_secs(30), async || {
            let status = CallOptions {
                path: "/1.0/status".to_owned(),
                network: Network {
                    connect_to: Some(there),
                    source: Some(HARNESS_ADDRESS),
                    ..Network::default()
                },
                ..CallOptions::new(address.clone())
            };
            call(status).await.is_ok_and(|response| response.status == 200)
        })
        .await;
        self.units.last().unwrap()
    }

    /// Runs a service of the hub, with a status port, in this process. Returns as soon as it listens.
    async fn run(&self, addresses: Addresses) -> Unit {
        let status = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let addresses = Addresses { status, ..addresses };
        let source = Source::from_variables(self.variables.clone()).unwrap();
        let shutdown = CancellationToken::new();
        let (ready, bound) = oneshot::channel();
        let stopped = shutdown.clone();
        let running = tokio::spawn(async move {
            unit::run(&source, addresses, stopped, |bound| {
                let _ = ready.send(bound);
            })
            .await
            .unwrap();
        });
        let bound = bound.await.expect("the unit starts");
        let address = bound.connector.or(bound.management).unwrap();
        Unit { address, status: bound.status.unwrap(), shutdown, running }
    }

    /// A hub with one management unit in this process, where people sign in at this provider.
    pub async fn start_management(issuer: &str, settings: &[(&str, &str)]) -> Self {
        let settings = [&[("OIDC_ISSUER", issuer)], settings].concat();
        let mut hub = Self::without_units(store::testing::empty_database().await.unwrap(), &settings);
        hub.add_management().await;
        hub
    }

    /// Starts one more management unit in this process. Returns as soon as it listens.
    pub async fn add_starting_management(&mut self) -> SocketAddr {
        let management = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let unit = self.run(Addresses { management, ..Addresses::default() }).await;
        let address = unit.address;
        self.managements.push(unit);
        address
    }

    /// Starts one more management unit in this process; waits until it is ready. Returns where it listens.
    pub async fn add_management(&mut self) -> SocketAddr {
        let address = self.add_starting_management().await;
        let unit = self.managements.last().unwrap();
        crate::wait::until("the unit is ready", Duration::from_secs(30), async || {
            unit.status_code().await == 200
        })
        .await;
        address
    }

    /// The management units in this process, in the order of their start.
    pub fn managements(&self) -> &[Unit] {
        &self.managements
    }

    /// The units in this process, in the order of their start.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Shuts down the first unit as a signal would; returns when it has finished.
    pub async fn stop_first_unit(&mut self) {
        self.units.remove(0).stop().await;
    }

    /// The settings as environment variables.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Changes a setting of units that are started from now on. An empty value is none.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The folder with `connector/` and `management/`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives a service, `connector` or `management`, a new self-issued certificate for these names.
    pub fn certify(&self, service: &str, names: &[&str]) {
        let folder = self.folder().join(service);
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(90);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        for (file, text) in [("tls.key", key.serialize_pem()), ("tls.crt", certificate.pem())] {
            cli::private_file::write(&folder.join(file), &text).unwrap();
        }
    }

    /// The leaf that a service's certificate file holds now.
    pub fn leaf(&self, service: &str) -> protocol::Fingerprint {
        edge::ServerIdentity::load(&self.folder().join(service)).unwrap().leaf_fingerprint()
    }

    /// Runs `cluster-manager` with the hub's settings.
    pub fn cli<const N: usize>(&self, arguments: [&str; N]) -> Ended {
        process::run("cluster-manager", &self.variables, arguments)
    }

    /// The command that runs a connector unit as a process of its own, at the address in join tokens.
    pub fn connector_command(&self) -> Command {
        let mut command = process::command("cluster-manager", &self.variables);
        command.args(["serve", "--connector-listen", &format!("127.0.0.1:{}", self.address.port())]);
        command
    }

    /// The same with the program as it is shipped.
    pub fn shipped_connector_command(&self) -> Command {
        let mut command = process::command_at(&programs::shipped("cluster-manager"), &self.variables);
        command.args(["serve", "--connector-listen", &format!("127.0.0.1:{}", self.address.port())]);
        command
    }

    /// The command that runs a management unit as a process of its own, on this port. Its status port is closed.
    pub fn management_command(&self, port: u16, is_shipped: bool) -> Command {
        let path = if is_shipped { programs::shipped } else { programs::path };
        let mut command = process::command_at(&path("cluster-manager"), &self.variables);
        command.args(["serve", "--management-listen", &format!("127.0.0.1:{port}")]);
        command.env("STATUS_PORT", "0");
        command
    }

    /// Starts a connector unit as a process of its own, at the address in join tokens.
    pub async fn start_program(&self) -> Program {
        let mut program = Program::start(self.connector_command());
        program.prints("ready").await;
        // At the level `trace`, other lines hold that word too.
        crate::wait::until("the database is migrated", Duration::from_secs(60), async || {
            self.store.ensure_current().await.is_ok()
        })
        .await;
        program
    }

    /// A join token, created on the command line.
    pub fn token(&self, name: &str) -> String {
        let made = self.cli(["token", "create", name]);
        assert_eq!(made.code, Some(0), "{made:?}");
        made.out.trim().to_owned()
    }

    /// Enrols a cluster with a new certificate.
    pub async fn enrol(&self, name: &str) -> ClusterClient {
        agent::client::join(&self.token(name), keys(name), Proof::Token).await.unwrap()
    }

    /// A cluster that knows the hub without having a token.
    pub fn cluster_without_token(&self, name: &str) -> ClusterClient {
        ClusterClient::new(name, vec![self.address.clone()], self.leaf("connector"), keys(name)).unwrap()
    }

    /// The JSON of `cluster show`.
    pub fn shown(&self, name: &str) -> serde_json::Value {
        let shown = self.cli(["cluster", "show", name, "--output", "json"]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        serde_json::from_str(&shown.out).unwrap()
    }
}

impl Unit {
    /// The status that its status port responds with.
    pub async fn status_code(&self) -> u16 {
        let response = reqwest::get(format!("http://{}/status", self.status)).await.unwrap();
        response.status().as_u16()
    }

    /// Shuts it down as a signal would; returns when it has finished.
    pub async fn stop(&mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.unwrap();
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// New keys for a cluster.
pub fn keys(name: &str) -> Arc<Keys> {
    Arc::new(Keys::generate(name).unwrap())
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn variables(database: &DatabaseOptions, folder: &Path, address: &Address) -> Vec<(String, String)> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (host, port) = database.host_and_port();
    [
        ("DB_HOST", host),
        ("DB_PORT", port),
        ("DB_USER", database.user.clone()),
        ("DB_PASSWORD", database.password.expose_secret().to_owned()),
        ("DB_NAME", database.name.clone()),
        ("CLUSTER_CONNECTOR_TLS_PATH", path("connector")),
        ("CLUSTER_CONNECTOR_DOMAIN", address.host().to_owned()),
        ("CLUSTER_CONNECTOR_PORT", address.port().to_string()),
        ("MANAGEMENT_API_TLS_PATH", path("management")),
        ("OIDC_ISSUER", "https://idp.example.com".to_owned()),
        ("OIDC_CLIENT_ID", "cluster-manager".to_owned()),
        ("STATUS_PORT", "0".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
