//! Pebble's layer: two services of one program, and checks that Kubernetes asks for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::environment::Variables;
use super::paths::{
    CONNECTOR_SERVICE, CONNECTOR_STATUS_PORT, MANAGEMENT_SERVICE, MANAGEMENT_STATUS_PORT, PROGRAM,
};

/// The layer's name.
pub const LABEL: &str = "cluster-manager";

/// A layer in Pebble's words.
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
    of: Of,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Of {
    Http { url: String },
    Tcp { port: u16 },
}

/// Where logs are forwarded to.
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
            summary: "Cluster Manager: what sites call, and what people call",
            services: services.collect(),
            checks: checks(),
            log_targets,
        }
    }

    /// Changes to where logs go, without the services.
    pub fn of_log_targets(log_targets: BTreeMap<String, LogTarget>) -> Self {
        Self {
            summary: "Where Cluster Manager's logs go",
            services: BTreeMap::new(),
            checks: BTreeMap::new(),
            log_targets,
        }
    }
}

impl LogTarget {
    /// Forwards everything to this Loki.
    pub fn forward(location: String, labels: BTreeMap<&'static str, String>) -> Self {
        Self { r#override: "replace", r#type: "loki", location, services: ["all"], labels }
    }

    /// Forwards nothing more: Pebble cannot forget a target.
    pub fn retire(location: String) -> Self {
        Self { r#override: "replace", r#type: "loki", location, services: ["-all"], labels: BTreeMap::new() }
    }
}

fn service(name: &str, environment: Variables) -> Service {
    let summary =
        if name == CONNECTOR_SERVICE { "what sites call" } else { "what people and automation call" };
    Service {
        r#override: "replace",
        summary,
        command: format!("{PROGRAM} serve"),
        startup: "enabled",
        environment,
        // On the signal it finishes what it accepted.
        kill_delay: "30s",
    }
}

/// `ready` depends on the database, `alive` does not: Kubernetes would restart pods in an outage of the database, and
/// make it longer.
fn checks() -> BTreeMap<String, Check> {
    let ports = [(MANAGEMENT_SERVICE, MANAGEMENT_STATUS_PORT), (CONNECTOR_SERVICE, CONNECTOR_STATUS_PORT)];
    let of_service = |(service, port)| {
        let url = format!("http://localhost:{port}/status");
        [
            (format!("{service}-alive"), check("alive", Of::Tcp { port })),
            (format!("{service}-ready"), check("ready", Of::Http { url })),
        ]
    };
    ports.into_iter().flat_map(of_service).collect()
}

fn check(level: &'static str, of: Of) -> Check {
    Check { r#override: "replace", level, period: "10s", timeout: "3s", threshold: 3, of }
}
