//! An enrolled cluster: its identity, its configuration and its last report.

pub mod change;
pub mod percent;
pub mod report_summary;
pub mod state;

use std::fmt;
use std::str::FromStr;

use protocol::heartbeat::Details;
use protocol::{ClusterName, Fingerprint};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Health, HealthRules, Liveness, ServiceClock, Thresholds, Warning, warning};

/// A cluster's identity. It never changes, even if the cluster's name does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterUid(pub Uuid);

/// The number of a cluster's rows in the database. It is not shown to people; the name and [`ClusterUid`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(pub i32);

/// A cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The number of its rows in the database.
    pub id: ClusterId,
    /// Its identity.
    pub uid: ClusterUid,
    /// Its name.
    pub name: ClusterName,
    /// Its description, written by people.
    pub description: String,
    /// Always `ACTIVE` (contract 2).
    pub status: String,
    /// The certificate that it authenticates with, in PEM.
    pub certificate_pem: String,
    /// The certificate's fingerprint.
    pub fingerprint: Fingerprint,
    /// The start and the end of the validity of the certificate.
    pub certificate_validity: (OffsetDateTime, OffsetDateTime),
    /// The thresholds above which the hub warns.
    pub thresholds: Thresholds,
    /// When it joined. Heartbeats do not change it.
    pub joined_at: OffsetDateTime,
    /// When its row was created.
    pub created_at: OffsetDateTime,
    /// Its last report; all zero before the first heartbeat.
    pub details: Details,
    /// When it sent heartbeats.
    pub liveness: Liveness,
    /// The warnings of its last report.
    pub reported_warnings: Vec<Warning>,
}

impl ClusterUid {
    /// A new identity. Identities sort by the time of their creation (UUID version 7).
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for ClusterUid {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for ClusterUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ClusterUid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Cluster {
    /// Its health, judged from its heartbeats.
    pub fn health(&self, rules: &HealthRules, clock: &ServiceClock) -> Health {
        rules.judge(&self.liveness, clock)
    }

    /// All its warnings, worst first: about missing heartbeats, its certificate, and its last report.
    pub fn warnings(&self, health: &Health, clock: &ServiceClock) -> Vec<Warning> {
        let mut all: Vec<Warning> = warning::of_health(health)
            .into_iter()
            .chain(warning::of_certificate(self.certificate_validity.1, clock.now))
            .chain(self.reported_warnings.iter().cloned())
            .collect();
        all.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.kind.cmp(&b.kind)));
        all
    }

    /// The time of its last heartbeat; before the first, the time at which it joined (contract 2).
    pub fn last_status_update_at(&self) -> OffsetDateTime {
        self.liveness.last_heartbeat_at.unwrap_or(self.joined_at)
    }
}
