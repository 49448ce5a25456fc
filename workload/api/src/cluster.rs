//! An enrolled cluster.

use fleet::{HealthRules, ServiceClock};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::word::{HealthState, Severity, WarningKind};

/// An enrolled cluster: its configuration, its last report, its health and its warnings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The cluster's certificate in PEM.
    pub cluster_certificate: String,
    /// The usage of a storage pool above which there is a warning, in percent.
    pub disk_threshold: u8,
    /// The memory usage above which there is a warning, in percent.
    pub memory_threshold: u8,
    /// Always `ACTIVE`.
    pub status: String,
    /// The number of Ceph services.
    pub ceph_count: i32,
    /// The Ceph services by status.
    pub ceph_statuses: Vec<StatusCount>,
    /// The number of CPUs; 0 if the cluster does not report it. The loads are then sums over the members.
    pub cpu_total_count: i64,
    /// The load over one minute.
    pub cpu_load_1: String,
    /// The load over five minutes.
    pub cpu_load_5: String,
    /// The load over fifteen minutes.
    pub cpu_load_15: String,
    /// The memory, in bytes.
    pub memory_total_amount: i64,
    /// The used memory, in bytes.
    pub memory_usage: i64,
    /// The storage pools.
    pub storage_pool_usages: Vec<StoragePoolUsage>,
    /// The number of members.
    pub member_count: i32,
    /// The members by status.
    pub member_statuses: Vec<StatusCount>,
    /// The number of instances.
    pub instance_count: i32,
    /// The instances by status.
    pub instance_statuses: Vec<StatusCount>,
    /// The address of the cluster's own web UI.
    pub ui_url: String,
    /// The same address, under the name that newer clients read.
    #[serde(default)]
    pub lxd_url: String,
    /// The id that the cluster gives itself; empty if it does not send one.
    #[serde(default)]
    pub cluster_uuid: String,
    /// Whether the tunnel is open.
    pub tunnel_registered: bool,
    /// When the cluster joined.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: OffsetDateTime,
    /// When the cluster's record was created.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// When the last heartbeat arrived; before the first one, when the cluster joined.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub last_status_update_at: OffsetDateTime,
    /// The unique id. A later cluster with the same name has another one.
    pub uid: String,
    /// When the last heartbeat arrived; absent before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// The health.
    pub health: Health,
    /// The warnings, worst first.
    pub warnings: Vec<Warning>,
    /// The cluster's certificate.
    pub certificate: Certificate,
}

/// The number of members, instances or services in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusCount {
    /// The status, as LXD names it.
    pub status: String,
    /// The number.
    pub count: u32,
}

/// The usage of a storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoragePoolUsage {
    /// The name.
    pub name: String,
    /// The member that it belongs to; empty if all members share it.
    pub member: String,
    /// The size, in bytes.
    pub total: u64,
    /// The used space, in bytes.
    pub usage: u64,
}

/// The health of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The state.
    pub state: HealthState,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: OffsetDateTime,
    /// The reasons, as text; empty if the state is `fresh`.
    pub reasons: Vec<String>,
}

/// Something that is wrong with a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// The subject.
    pub kind: WarningKind,
    /// The severity.
    pub severity: Severity,
    /// The text that people read.
    pub text: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: OffsetDateTime,
}

/// A cluster's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// The SHA-256 fingerprint, in hexadecimal.
    pub fingerprint: String,
    /// The start of its validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub not_after: OffsetDateTime,
}

impl Cluster {
    /// A cluster, with its health by these rules at this time.
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
            lxd_url: details.ui_url.clone(),
            cluster_uuid: details.cluster_uuid.clone(),
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
        Self { state: health.state.into(), since: health.since, reasons: health.reasons }
    }
}

impl From<fleet::Warning> for Warning {
    fn from(warning: fleet::Warning) -> Self {
        Self {
            kind: warning.kind.into(),
            severity: warning.severity.into(),
            text: warning.text,
            since: warning.since,
        }
    }
}
