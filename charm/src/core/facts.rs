//! What was read from the model: plain data, so that every situation can be written down in a test.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The settings of one side of a relation.
pub type Bag = BTreeMap<String, String>;

/// Everything that decisions are made from.
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
    /// Whether this unit leads.
    pub leader: bool,
    /// How many units there are to be; unknown in tests that do not care.
    pub planned_units: Option<u32>,
    /// This unit's name in the cluster's DNS.
    pub host: String,
    /// This unit's address.
    pub ip: Option<String>,
    /// The options.
    pub config: BTreeMap<String, serde_json::Value>,
    /// All relations that are there, those that just broke left out.
    pub relations: Vec<Relation>,
    /// The secrets that options and relations lead to, by their URI as it stands there.
    pub secrets: BTreeMap<String, SecretFact>,
    /// The workload's container.
    pub container: Container,
    /// What the certificates' provider has issued; the leader alone sees it.
    pub issued: Issued,
    /// How many clusters are enrolled; none: not asked, or the workload could not say.
    pub sites: Option<u64>,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// A relation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Relation {
    /// The name of the endpoint on our side.
    pub endpoint: String,
    /// Its number.
    pub id: i64,
    /// The other application.
    pub remote: String,
    /// What our application wrote; followers may not see it, but for the peers' relation.
    pub our_app: Bag,
    /// What this unit wrote.
    pub our_unit: Bag,
    /// What the other application wrote.
    pub app: Bag,
    /// What its units wrote, by the unit's name.
    pub units: BTreeMap<String, Bag>,
}

/// A secret as far as it can be read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretFact {
    /// Its newest content.
    Content(BTreeMap<String, Secret>),
    /// There is none of that name, or it was not granted to us: Juju tells one like the other.
    Unreadable,
}

/// A text that is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

/// The container and what runs in it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    /// Whether its Pebble answers.
    pub connected: bool,
    /// Whether each of our services runs.
    pub services: BTreeMap<String, bool>,
    /// Whether each of our checks is up.
    pub checks: BTreeMap<String, bool>,
    /// Where logs are forwarded to: name and address.
    pub log_targets: BTreeMap<String, String>,
}

/// Certificates from the relation `certificates`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Issued {
    /// For the management API.
    pub management: Option<Pair>,
    /// For the connector, where it is to have one from there.
    pub connector: Option<Pair>,
}

/// A certificate with its chain, and its key, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The leaf first.
    pub certificate: String,
    /// Its private key.
    pub key: Secret,
}

// === impl Facts ===

impl Facts {
    /// All relations of an endpoint.
    pub fn relations<'a>(&'a self, endpoint: &'a str) -> impl Iterator<Item = &'a Relation> {
        self.relations.iter().filter(move |relation| relation.endpoint == endpoint)
    }

    /// The relation of an endpoint that takes one.
    pub fn relation<'a>(&'a self, endpoint: &'a str) -> Option<&'a Relation> {
        self.relations(endpoint).next()
    }

    /// The relation among our units.
    pub fn peers(&self) -> Option<&Relation> {
        self.relation(super::PEERS)
    }

    /// Whether this unit may and should write what belongs to all units. Not while it is being removed: its relations
    /// break for it alone.
    pub fn leads(&self) -> bool {
        self.leader && !self.leaving()
    }

    /// Whether this unit is being removed. Kubernetes removes those with the highest numbers.
    pub fn leaving(&self) -> bool {
        match (self.planned_units, unit_number(&self.unit)) {
            (Some(planned), Some(number)) => number >= planned,
            _ => false,
        }
    }

    /// A secret's content by its URI.
    pub fn secret(&self, uri: &str) -> Option<&BTreeMap<String, Secret>> {
        match self.secrets.get(uri)? {
            SecretFact::Content(content) => Some(content),
            SecretFact::Unreadable => None,
        }
    }

    /// An option that is a text and not empty.
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
    /// Wraps a text.
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
