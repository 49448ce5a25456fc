//! An enrolled cluster.

use fleet::{HealthRules, ServiceClock};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// An enrolled cluster: its configuration, what it last reported, and the judgement over it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// What people noted about it.
    pub description: String,
    /// The certificate that it presents, in PEM.
    pub cluster_certificate: String,
    /// From which share of a storage pool on it is warned about, in percent.
    pub disk_threshold: u8,
    /// From which share of its memory on it is warned about, in percent.
    pub memory_threshold: u8,
    /// Always `ACTIVE`.
    pub status: String,
    /// How many Ceph services it has.
    pub ceph_count: i32,
    /// Its Ceph services by status.
    pub ceph_statuses: Vec<StatusCount>,
    /// How many CPUs it has; 0 where it does not say, and the loads are then sums over its members.
    pub cpu_total_count: i64,
    /// Load over one minute.
    pub cpu_load_1: String,
    /// Load over five minutes.
    pub cpu_load_5: String,
    /// Load over fifteen minutes.
    pub cpu_load_15: String,
    /// Its memory in bytes.
    pub memory_total_amount: i64,
    /// How much of it is used, in bytes.
    pub memory_usage: i64,
    /// Its storage pools.
    pub storage_pool_usages: Vec<StoragePoolUsage>,
    /// How many members it has.
    pub member_count: i32,
    /// Its members by status.
    pub member_statuses: Vec<StatusCount>,
    /// How many instances it has.
    pub instance_count: i32,
    /// Its instances by status.
    pub instance_statuses: Vec<StatusCount>,
    /// Where its own web UI is.
    pub ui_url: String,
    /// Whether its tunnel is open.
    pub tunnel_registered: bool,
    /// When it joined.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: OffsetDateTime,
    /// When its row was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// Its last heartbeat; before the first, when it joined.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub last_status_update_at: OffsetDateTime,
    /// Who it is, whatever it is called.
    pub uid: String,
    /// Its last heartbeat; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// How it stands.
    pub health: Health,
    /// What is wrong with it, worst first.
    pub warnings: Vec<Warning>,
    /// The certificate that it presents.
    pub certificate: Certificate,
}

/// How many there are in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusCount {
    /// The status, in LXD's words.
    pub status: String,
    /// How many.
    pub count: u32,
}

/// A storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoragePoolUsage {
    /// Its name.
    pub name: String,
    /// On which member it is; empty where all share it.
    pub member: String,
    /// Its size in bytes.
    pub total: u64,
    /// How much of it is used, in bytes.
    pub usage: u64,
}

/// How a cluster stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `fresh`, `late` or `lost`.
    pub state: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: OffsetDateTime,
    /// Why, in words; empty when fresh.
    pub reasons: Vec<String>,
}

/// Something that is wrong with a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// What it is about: `heartbeat`, `members`, `ceph`, `storage`, `memory`, `instances` or `certificate`.
    pub kind: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// What people read.
    pub text: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: OffsetDateTime,
}

/// The certificate that a cluster presents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// The SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// Its first valid moment.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub not_before: OffsetDateTime,
    /// Its last.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub not_after: OffsetDateTime,
}

impl Cluster {
    /// A cluster, judged by these rules at this moment.
    pub fn new(cluster: &fleet::Cluster, rules: &HealthRules, clock: &ServiceClock) -> Self {
        let health = cluster.health(rules, clock);
        let warnings = cluster.warnings(&health, clock);
        let details = &cluster.details;
        let (not_before, not_after) = cluster.certificate_validity;
        Self {
            name: cluster.name.to_string(),
            description: cluster.description.clone(),
            cluster_certificate: cluster.certificate_pem.clone(),
            disk_threshold: cluster.thresholds.disk.get(),
            memory_threshold: cluster.thresholds.memory.get(),
            status: cluster.status.clone(),
            ceph_count: details.ceph_count(),
            ceph_statuses: counts(&details.ceph_statuses),
            cpu_total_count: details.cpu_total_count,
            cpu_load_1: details.cpu_load_1.as_str().to_owned(),
            cpu_load_5: details.cpu_load_5.as_str().to_owned(),
            cpu_load_15: details.cpu_load_15.as_str().to_owned(),
            memory_total_amount: details.memory_total_amount,
            memory_usage: details.memory_usage,
            storage_pool_usages: details.storage_pool_usages.iter().map(StoragePoolUsage::from).collect(),
            member_count: details.member_count(),
            member_statuses: counts(&details.member_statuses),
            instance_count: details.instance_count(),
            instance_statuses: counts(&details.instance_statuses),
            ui_url: details.ui_url.clone(),
            tunnel_registered: false,
            joined_at: cluster.joined_at,
            created_at: cluster.created_at,
            last_status_update_at: cluster.last_status_update_at(),
            uid: cluster.uid.to_string(),
            last_heartbeat_at: cluster.liveness.last_heartbeat_at,
            health: health.into(),
            warnings: warnings.into_iter().map(Warning::from).collect(),
            certificate: Certificate { fingerprint: cluster.fingerprint.to_string(), not_before, not_after },
        }
    }
}

fn counts(list: &[protocol::heartbeat::StatusCount]) -> Vec<StatusCount> {
    list.iter().map(|entry| StatusCount { status: entry.status.clone(), count: entry.count }).collect()
}

impl From<&protocol::heartbeat::StoragePoolUsage> for StoragePoolUsage {
    fn from(pool: &protocol::heartbeat::StoragePoolUsage) -> Self {
        let protocol::heartbeat::StoragePoolUsage { name, member, total, usage } = pool;
        Self { name: name.clone(), member: member.clone(), total: *total, usage: *usage }
    }
}

impl From<fleet::Health> for Health {
    fn from(health: fleet::Health) -> Self {
        Self { state: health.state.as_str().to_owned(), since: health.since, reasons: health.reasons }
    }
}

impl From<fleet::Warning> for Warning {
    fn from(warning: fleet::Warning) -> Self {
        Self {
            kind: warning.kind.as_str().to_owned(),
            severity: warning.severity.as_str().to_owned(),
            text: warning.text,
            since: warning.since,
        }
    }
}
