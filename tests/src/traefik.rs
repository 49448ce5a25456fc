//! A real Traefik, given the routes that the charm writes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hub::free_port;
use crate::process::Program;
use crate::{programs, wait};

/// The entry point that Traefik's charm has for HTTPS.
pub const HTTPS: &str = "websecure";
/// How long it may take to read its files.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running Traefik; stopped when dropped.
pub struct Traefik {
    api: u16,
    program: Program,
    routes: PathBuf,
    _folder: TempDir,
}

impl Traefik {
    /// Starts one with these entry points, without routes.
    pub async fn start(entry_points: &BTreeMap<&str, u16>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (api, routes) = (free_port(), folder.path().join("routes.yaml"));
        std::fs::write(&routes, "{}").unwrap();
        let entries = entry_points.iter().chain([(&"traefik", &api)]);
        let entries: BTreeMap<_, _> =
            entries.map(|(name, port)| (name, json!({"address": address(*port).to_string()}))).collect();
        let settings = json!({
            "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
            "entryPoints": entries,
            "providers": {"file": {"filename": routes, "watch": true}},
            "api": {"insecure": true},
        });
        let file = folder.path().join("traefik.yaml");
        std::fs::write(&file, serde_yaml::to_string(&settings).unwrap()).unwrap();
        let mut command = Command::new(programs::built("traefik"));
        command.arg(format!("--configfile={}", file.display()));
        let traefik = Self { api, program: Program::start(command), routes, _folder: folder };
        wait::until("Traefik is up", TIMEOUT, async || traefik.api("/api/overview").await.is_some()).await;
        traefik
    }

    /// Gives it routes, as its charm does: a whole file, which replaces the previous one. Waits until they are in force.
    pub async fn route(&self, routes: &Value) {
        let wanted = names(routes);
        std::fs::write(&self.routes, serde_yaml::to_string(routes).unwrap()).unwrap();
        wait::until("Traefik follows its routes", TIMEOUT, async || self.followed().await == wanted).await;
    }

    /// Gives it invalid routes. Returns what it logs about them.
    pub async fn refuse(&mut self, routes: &Value) -> String {
        let before = self.program.output().len();
        std::fs::write(&self.routes, serde_yaml::to_string(routes).unwrap()).unwrap();
        self.program.prints("level=error").await;
        self.program.output()[before..].to_owned()
    }

    /// The routers that are in force.
    async fn followed(&self) -> Vec<String> {
        let routers = self.api("/api/tcp/routers").await.unwrap_or_default();
        let sound = routers.as_array().into_iter().flatten().filter(|router| router["status"] == "enabled");
        let names = sound.filter_map(|router| router["name"].as_str()?.strip_suffix("@file"));
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    async fn api(&self, path: &str) -> Option<Value> {
        let answer = reqwest::get(format!("http://{}{path}", address(self.api))).await.ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }
}

/// The charm's routes with the names and addresses of a test. `domains`: the charm's and the test's.
/// `units`: by the charm's port, where each unit listens, in the order of the units.
pub fn on_this_machine(
    routes: &str,
    domains: &[(&str, &str)],
    units: &BTreeMap<u16, Vec<SocketAddr>>,
) -> Value {
    let mut routes: Value = serde_yaml::from_str(routes).unwrap();
    for router in routes["tcp"]["routers"].as_object_mut().unwrap().values_mut() {
        let rule = router["rule"].as_str().unwrap();
        let renamed = domains.iter().fold(rule.to_owned(), |rule, (theirs, ours)| {
            rule.replace(&format!("`{theirs}`"), &format!("`{ours}`"))
        });
        router["rule"] = json!(renamed);
    }
    for service in routes["tcp"]["services"].as_object_mut().unwrap().values_mut() {
        let servers = service["loadBalancer"]["servers"].as_array_mut().unwrap();
        let (_, port) = servers[0]["address"].as_str().unwrap().rsplit_once(':').unwrap();
        let ours = &units[&port.parse().unwrap()];
        assert_eq!(servers.len(), ours.len(), "the charm's routes are for {} units: {servers:?}", ours.len());
        for (server, ours) in servers.iter_mut().zip(ours) {
            server["address"] = json!(ours.to_string());
        }
    }
    routes
}

fn names(routes: &Value) -> Vec<String> {
    let routers = routes["tcp"]["routers"].as_object().unwrap();
    let mut names: Vec<_> = routers.keys().cloned().collect();
    names.sort();
    names
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
