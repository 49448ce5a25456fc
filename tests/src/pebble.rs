//! A real Pebble, run as Juju runs it in a container, with the charm's layer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hub::free_port;
use crate::process::Program;
use crate::{programs, wait};

/// The path of the program in the image, and the folder of the charm's files.
const PROGRAM: &str = "/usr/bin/cluster-manager";
const FOLDER: &str = "/var/lib/cluster-manager";
/// How long it may take to carry out a command.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running Pebble. Its services end with it.
pub struct Pebble {
    program: Program,
    http: u16,
    folder: TempDir,
}

/// The charm's layer, changed so that it can run on this machine.
pub struct Layer {
    /// The layer.
    pub layer: Value,
    ports: BTreeMap<u16, u16>,
}

impl Pebble {
    /// Starts one without services.
    pub async fn start() -> Self {
        let (folder, http) = (tempfile::tempdir().unwrap(), free_port());
        let mut command = command(folder.path());
        command.args(["run", "--create-dirs", "--hold", "--http"]).arg(format!("127.0.0.1:{http}"));
        let pebble = Self { program: Program::start(command), http, folder };
        wait::until("Pebble is up", TIMEOUT, async || pebble.health("alive").await.is_some()).await;
        pebble
    }

    /// Adds a layer and starts its services, as the charm does. Returns Pebble's output.
    pub fn replan(&self, layer: &Layer) -> String {
        let file = self.folder.path().join("layer.yaml");
        std::fs::write(&file, serde_yaml::to_string(&layer.layer).unwrap()).unwrap();
        self.tell(&["add", "cluster-manager", file.to_str().unwrap(), "--combine"]) + &self.tell(&["replan"])
    }

    /// Its health at this level, as Kubernetes asks for it: 200 or 502; `None` if it does not respond.
    pub async fn health(&self, level: &str) -> Option<u16> {
        let url = format!("http://127.0.0.1:{}/v1/health?level={level}", self.http);
        reqwest::get(url).await.ok().map(|answer| answer.status().as_u16())
    }

    /// Waits until its health at this level has this status.
    pub async fn health_becomes(&self, level: &str, status: u16) {
        let what = format!("{level} is {status}");
        wait::until(&what, TIMEOUT, async || self.health(level).await == Some(status)).await;
    }

    /// The services with their state and when it began.
    pub fn services(&self) -> BTreeMap<String, String> {
        let table = self.tell(&["services", "--abs-time"]);
        let rows = table.lines().skip(1).map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            (words[0].to_owned(), words[2..].join(" "))
        });
        rows.collect()
    }

    /// The checks, and whether they succeed.
    pub fn checks(&self) -> BTreeMap<String, bool> {
        let table = self.tell(&["checks"]);
        let rows = table.lines().skip(1).map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            (words[0].to_owned(), words.contains(&"up"))
        });
        rows.collect()
    }

    /// The output of its services that it has kept.
    pub fn logs(&self) -> String {
        self.tell(&["logs", "-n", "all"])
    }

    /// Runs the command line with a service's environment, as the charm's actions do. Returns its standard output.
    pub fn exec(&self, service: &str, arguments: &[&str]) -> String {
        let program = programs::path("cluster-manager");
        let ours = ["exec", "--context", service, "--", program.to_str().unwrap()];
        self.tell(&[&ours, arguments].concat()).trim().to_owned()
    }

    /// The processes of its services: id and start time.
    pub fn processes(&self) -> BTreeSet<(i32, u64)> {
        let ours = procfs::process::all_processes().unwrap().flatten().filter_map(|it| it.stat().ok());
        ours.filter(|stat| stat.ppid == self.program.id()).map(|stat| (stat.pid, stat.starttime)).collect()
    }

    fn tell(&self, arguments: &[&str]) -> String {
        let told = command(self.folder.path()).args(arguments).output().expect("it starts");
        let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert!(told.status.success(), "pebble {arguments:?}: {out}{err}");
        out.into_owned()
    }
}

impl Drop for Pebble {
    // A Pebble that is killed leaves its services behind.
    fn drop(&mut self) {
        let processes = self.processes();
        self.program.signal(Signal::TERM);
        let began = std::time::Instant::now();
        while !processes.is_disjoint(&self.processes()) && began.elapsed() < TIMEOUT {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Layer {
    /// The charm's layer with this build in place of the image's program, a folder in place of the container's, free
    /// ports, and these variables where the layer has one of that name.
    pub fn on_this_machine(layer: &str, folder: &Path, variables: &[(String, String)]) -> Self {
        let mut layer: Value = serde_yaml::from_str(layer).unwrap();
        let mut ports = BTreeMap::new();
        for (name, service) in layer["services"].as_object_mut().unwrap() {
            let started = service["command"].as_str().unwrap().strip_prefix(PROGRAM);
            let started = started.unwrap_or_else(|| panic!("{name} is another program: {service}"));
            let program = programs::path("cluster-manager");
            service["command"] = json!(format!("{}{started}", program.display()));
            for user in ["user", "group", "user-id", "group-id"] {
                service.as_object_mut().unwrap().remove(user);
            }
            for (name, value) in service["environment"].as_object_mut().unwrap() {
                let text = value.as_str().expect("Pebble takes texts alone");
                let ours = variables.iter().rev().find(|(variable, _)| variable == name);
                *value = match (ours, text.strip_prefix(FOLDER)) {
                    _ if name == "SERVER_PORT" || name == "STATUS_PORT" => {
                        let port = ports.entry(text.parse().unwrap()).or_insert_with(free_port);
                        json!(port.to_string())
                    }
                    (_, Some(file)) => json!(format!("{}{file}", folder.display())),
                    (Some((_, ours)), None) => json!(ours),
                    (None, None) => continue,
                };
            }
        }
        for check in layer["checks"].as_object_mut().unwrap().values_mut() {
            move_to_our_ports(check, &ports);
        }
        Self { layer, ports }
    }

    /// The address on this machine for a port in the container.
    pub fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[&port]))
    }
}

fn move_to_our_ports(check: &mut Value, ports: &BTreeMap<u16, u16>) {
    if let Some(port) = check["tcp"]["port"].as_u64() {
        check["tcp"]["port"] = json!(ports[&u16::try_from(port).unwrap()]);
    }
    if let Some(url) = check["http"]["url"].as_str() {
        let mut url: url::Url = url.parse().unwrap();
        url.set_port(Some(ports[&url.port().unwrap()])).unwrap();
        check["http"]["url"] = json!(url.as_str());
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(programs::built("pebble"));
    command.env("PEBBLE", folder).env_remove("PEBBLE_SOCKET");
    for setting in settings::ALL {
        command.env_remove(setting.name).env_remove(format!("{}_FILE", setting.name));
    }
    command
}
