//! The Pebble layer: the two services, and the checks that Kubernetes queries.

use std::collections::BTreeMap;

use serde::Serialize;

use super::environment::Variables;
use super::names::{
    CONNECTOR_SERVICE, CONNECTOR_STATUS_PORT, MANAGEMENT_SERVICE, MANAGEMENT_STATUS_PORT, PROGRAM,
};

/// The layer's name.
pub const LABEL: &str = "cluster-manager";

/// A Pebble layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Layer {
    summary: &'static str,
    services: BTreeMap<&'static str, Service>,
    checks: BTreeMap<String, Check>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    log_targets: BTreeMap<String, LogTarget>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Service {
    r#override: &'static str,
    summary: &'static str,
    command: String,
    startup: &'static str,
    environment: Variables,
    kill_delay: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Check {
    r#override: &'static str,
    level: &'static str,
    period: &'static str,
    timeout: &'static str,
    threshold: u8,
    #[serde(flatten)]
    probe: Probe,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Probe {
    Http { url: String },
    Tcp { port: u16 },
}

/// A target for log forwarding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogTarget {
    r#override: &'static str,
    r#type: &'static str,
    location: String,
    services: [&'static str; 1],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'static str, String>,
}

impl Layer {
    /// The layer that runs both services.
    pub fn new(
        environments: BTreeMap<&'static str, Variables>,
        log_targets: BTreeMap<String, LogTarget>,
    ) -> Self {
        let services = environments.into_iter().map(|(name, environment)| (name, service(name, environment)));
        Self {
            summary: "Cluster Manager: cluster connector and management API",
            services: services.collect(),
            checks: checks(),
            log_targets,
        }
    }

    /// A layer with log targets only.
    pub fn log_targets_only(log_targets: BTreeMap<String, LogTarget>) -> Self {
        Self {
            summary: "Log targets of Cluster Manager",
            services: BTreeMap::new(),
            checks: BTreeMap::new(),
            log_targets,
        }
    }
}

impl LogTarget {
    /// Forwards all logs to this Loki.
    pub fn forward(location: String, labels: BTreeMap<&'static str, String>) -> Self {
        Self { r#override: "replace", r#type: "loki", location, services: ["all"], labels }
    }

    /// Stops forwarding. Pebble cannot remove a target.
    pub fn retire(location: String) -> Self {
        Self { r#override: "replace", r#type: "loki", location, services: ["-all"], labels: BTreeMap::new() }
    }
}

fn service(name: &str, environment: Variables) -> Service {
    let summary = if name == CONNECTOR_SERVICE {
        "API for clusters"
    } else {
        "API and web UI for people and automation"
    };
    Service {
        r#override: "replace",
        summary,
        command: format!("{PROGRAM} serve"),
        startup: "enabled",
        environment,
        // After the signal the workload finishes open requests.
        kill_delay: "30s",
    }
}

/// The `ready` checks depend on the database, the `alive` checks do not: otherwise Kubernetes would restart the pods during
/// an outage of the database and prolong it.
fn checks() -> BTreeMap<String, Check> {
    let ports = [(MANAGEMENT_SERVICE, MANAGEMENT_STATUS_PORT), (CONNECTOR_SERVICE, CONNECTOR_STATUS_PORT)];
    let of_service = |(service, port)| {
        let url = format!("http://localhost:{port}/status");
        [
            (format!("{service}-alive"), check("alive", Probe::Tcp { port })),
            (format!("{service}-ready"), check("ready", Probe::Http { url })),
        ]
    };
    ports.into_iter().flat_map(of_service).collect()
}

fn check(level: &'static str, probe: Probe) -> Check {
    Check { r#override: "replace", level, period: "10s", timeout: "3s", threshold: 3, probe }
}
