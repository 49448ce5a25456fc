//! What a list shows of a cluster.

use fleet::report_summary::{Share, storage};
use fleet::{HealthRules, ServiceClock};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{Health, StoragePoolUsage, Warning};

/// What a list shows of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterSummary {
    /// Its name.
    pub name: String,
    /// Who it is, whatever it is called.
    pub uid: String,
    /// What people noted about it.
    pub description: String,
    /// How it stands.
    pub health: Health,
    /// Its last heartbeat; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// When it joined.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: OffsetDateTime,
    /// How many members it has.
    pub member_count: i32,
    /// How many of them are not `Online`.
    pub members_not_online: i32,
    /// How many instances it has.
    pub instance_count: i32,
    /// How many of them are `Running`.
    pub instances_running: i32,
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
    /// The size of all its storage pools in bytes; one that its members share counts once.
    pub storage_total: i64,
    /// How much of them is used, in bytes.
    pub storage_usage: i64,
    /// The storage pool of which the largest share is used; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullest_storage_pool: Option<StoragePoolUsage>,
    /// From which share of a storage pool on it is warned about, in percent.
    pub disk_threshold: u8,
    /// From which share of its memory on it is warned about, in percent.
    pub memory_threshold: u8,
    /// What is wrong with it, worst first.
    pub warnings: Vec<Warning>,
    /// Where its own web UI is.
    pub ui_url: String,
    /// Whether its tunnel is open.
    pub tunnel_registered: bool,
    /// The last valid moment of the certificate that it presents.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub certificate_not_after: OffsetDateTime,
}

impl ClusterSummary {
    /// A cluster, judged by these rules at this moment.
    pub fn new(cluster: &fleet::Cluster, rules: &HealthRules, clock: &ServiceClock) -> Self {
        let health = cluster.health(rules, clock);
        let warnings = cluster.warnings(&health, clock);
        let details = &cluster.details;
        let in_status = |counts: &[protocol::heartbeat::StatusCount], word: &str| {
            let fitting = counts.iter().filter(|entry| entry.status.eq_ignore_ascii_case(word));
            fitting.fold(0i32, |sum, entry| sum.saturating_add_unsigned(entry.count))
        };
        let (storage_total, storage_usage) = storage(&details.storage_pool_usages);
        let fullest = details.storage_pool_usages.iter().max_by_key(|pool| Share::of(pool.usage, pool.total));
        Self {
            name: cluster.name.to_string(),
            uid: cluster.uid.to_string(),
            description: cluster.description.clone(),
            health: health.into(),
            last_heartbeat_at: cluster.liveness.last_heartbeat_at,
            joined_at: cluster.joined_at,
            member_count: details.member_count(),
            members_not_online: details.member_count() - in_status(&details.member_statuses, "Online"),
            instance_count: details.instance_count(),
            instances_running: in_status(&details.instance_statuses, "Running"),
            cpu_total_count: details.cpu_total_count,
            cpu_load_1: details.cpu_load_1.as_str().to_owned(),
            cpu_load_5: details.cpu_load_5.as_str().to_owned(),
            cpu_load_15: details.cpu_load_15.as_str().to_owned(),
            memory_total_amount: details.memory_total_amount,
            memory_usage: details.memory_usage,
            storage_total,
            storage_usage,
            fullest_storage_pool: fullest.map(StoragePoolUsage::from),
            disk_threshold: cluster.thresholds.disk.get(),
            memory_threshold: cluster.thresholds.memory.get(),
            warnings: warnings.into_iter().map(Warning::from).collect(),
            ui_url: details.ui_url.clone(),
            tunnel_registered: false,
            certificate_not_after: cluster.certificate_validity.1,
        }
    }
}
