//! What was read from the model: plain data, so that every situation can be written down in a test.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The data of one side of a relation.
pub type Bag = BTreeMap<String, String>;

/// The input of all decisions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The application's name.
    pub app: String,
    /// The unit's name, such as `cluster-manager-k8s/0`.
    pub unit: String,
    /// The model's name.
    pub model: String,
    /// The model's UUID.
    pub model_uuid: String,
    /// Whether this unit is the leader.
    pub leader: bool,
    /// The planned number of units; absent if it is unknown.
    pub planned_units: Option<u32>,
    /// This unit's name in the DNS of the Kubernetes cluster.
    pub host: String,
    /// This unit's IP address.
    pub ip: Option<String>,
    /// The options.
    pub config: BTreeMap<String, serde_json::Value>,
    /// All relations except broken ones.
    pub relations: Vec<Relation>,
    /// The secrets that options and relations refer to, by the URI as written there.
    pub secrets: BTreeMap<String, SecretFact>,
    /// The workload's container.
    pub container: Container,
    /// The certificates from the relation `certificates`. Only the leader can read them.
    pub issued: Issued,
    /// The number of enrolled clusters; absent if it was not needed or the workload could not count them.
    pub cluster_count: Option<u64>,
    /// The current time, in seconds since 1970.
    pub now: i64,
}

/// One relation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Relation {
    /// This charm's endpoint.
    pub endpoint: String,
    /// The id in Juju.
    pub id: i64,
    /// The name of the other application.
    pub remote: String,
    /// The data of this application. Followers can read it only in the peer relation.
    pub our_app: Bag,
    /// The data of this unit.
    pub our_unit: Bag,
    /// The data of the other application.
    pub app: Bag,
    /// The data of its units, by unit name.
    pub units: BTreeMap<String, Bag>,
}

/// A secret, if it can be read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretFact {
    /// The latest content.
    Content(BTreeMap<String, Secret>),
    /// It does not exist or was not granted to this application. Juju does not distinguish the two.
    Unreadable,
}

/// Text that `Debug` never shows.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

/// The workload's container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    /// Whether its Pebble responds.
    pub connected: bool,
    /// Whether each of the workload's services is running.
    pub services: BTreeMap<String, bool>,
    /// Whether each check is up.
    pub checks: BTreeMap<String, bool>,
    /// The URLs of the log targets, by name.
    pub log_targets: BTreeMap<String, String>,
}

/// The certificates from the relation `certificates`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Issued {
    /// For the management API.
    pub management: Option<Pair>,
    /// For the connector, if its certificate comes from the relation.
    pub connector: Option<Pair>,
}

/// A certificate with its chain and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The leaf certificate, followed by its chain.
    pub certificate: String,
    /// The private key.
    pub key: Secret,
}

// === impl Facts ===

impl Facts {
    /// All relations of an endpoint.
    pub fn relations<'a>(&'a self, endpoint: &'a str) -> impl Iterator<Item = &'a Relation> {
        self.relations.iter().filter(move |relation| relation.endpoint == endpoint)
    }

    /// The first relation of an endpoint.
    pub fn relation<'a>(&'a self, endpoint: &'a str) -> Option<&'a Relation> {
        self.relations(endpoint).next()
    }

    /// The peer relation.
    pub fn peers(&self) -> Option<&Relation> {
        self.relation(super::names::PEERS)
    }

    /// Whether this unit writes what all units share: the leader does, unless it is being removed, since its relations then
    /// break for it alone.
    pub fn leads(&self) -> bool {
        self.leader && !self.leaving()
    }

    /// Whether this unit is being removed. Kubernetes removes the units with the highest numbers first.
    pub fn leaving(&self) -> bool {
        match (self.planned_units, unit_number(&self.unit)) {
            (Some(planned), Some(number)) => number >= planned,
            _ => false,
        }
    }

    /// The content of a secret, by its URI.
    pub fn secret(&self, uri: &str) -> Option<&BTreeMap<String, Secret>> {
        match self.secrets.get(uri)? {
            SecretFact::Content(content) => Some(content),
            SecretFact::Unreadable => None,
        }
    }

    /// The trimmed value of a text option, if it is not empty.
    pub fn text(&self, option: &str) -> Option<&str> {
        let text = self.config.get(option)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }
}

/// The number in a unit's name.
pub fn unit_number(unit: &str) -> Option<u32> {
    unit.rsplit_once('/')?.1.parse().ok()
}

// === impl Secret ===

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}
