//! An enrolled cluster: who it is, how it is configured, what it last reported.

use std::fmt;
use std::str::FromStr;

use protocol::heartbeat::Details;
use protocol::{ClusterName, Fingerprint};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Health, HealthRules, Liveness, ServiceClock, Thresholds, Warning, warning};

/// A cluster's identity: it never changes, whatever the cluster is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterUid(pub Uuid);

/// The number of a cluster's rows in the database. Not for people: [`ClusterUid`] and name are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(pub i32);

/// A cluster as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its rows' number.
    pub id: ClusterId,
    /// Who it is.
    pub uid: ClusterUid,
    /// What it is called.
    pub name: ClusterName,
    /// What people noted about it.
    pub description: String,
    /// `ACTIVE`.
    pub status: String,
    /// The certificate that it presents, in PEM.
    pub certificate_pem: String,
    /// The certificate's fingerprint.
    pub fingerprint: Fingerprint,
    /// From when to when the certificate is valid.
    pub certificate_validity: (OffsetDateTime, OffsetDateTime),
    /// When to warn about it.
    pub thresholds: Thresholds,
    /// When it joined; never moved by a heartbeat.
    pub joined_at: OffsetDateTime,
    /// When its row was made.
    pub created_at: OffsetDateTime,
    /// What it last reported; all zero before the first heartbeat.
    pub details: Details,
    /// Whether and how regularly it beats.
    pub liveness: Liveness,
    /// Warnings from its last report, with since.
    pub reported_warnings: Vec<Warning>,
}

impl ClusterUid {
    /// A new identity; sorts by the time of its making (UUID version 7).
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
    /// The judgement over its heartbeats.
    pub fn health(&self, rules: &HealthRules, clock: &ServiceClock) -> Health {
        rules.judge(&self.liveness, clock)
    }

    /// All that is wrong with it, worst first: its silence, its certificate, and what it last reported.
    pub fn warnings(&self, health: &Health, clock: &ServiceClock) -> Vec<Warning> {
        let mut all: Vec<Warning> = warning::of_health(health)
            .into_iter()
            .chain(warning::of_certificate(self.certificate_validity.1, clock.now))
            .chain(self.reported_warnings.iter().cloned())
            .collect();
        all.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.kind.cmp(&b.kind)));
        all
    }

    /// The last heartbeat, or its joining before the first (contract section 2).
    pub fn last_status_update_at(&self) -> OffsetDateTime {
        self.liveness.last_heartbeat_at.unwrap_or(self.joined_at)
    }
}
