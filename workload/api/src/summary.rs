//! Summaries of clusters.

use fleet::report_summary::{Share, storage};
use fleet::{HealthRules, ServiceClock};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::cluster::{Health, StoragePoolUsage, Warning};

/// The part of a cluster that a list shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterSummary {
    /// The name.
    pub name: String,
    /// The unique id. A later cluster with the same name has another one.
    pub uid: String,
    /// The description.
    pub description: String,
    /// The health.
    pub health: Health,
    /// When the last heartbeat arrived; absent before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// When the cluster joined.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: OffsetDateTime,
    /// The number of members.
    pub member_count: i32,
    /// The number of members that are not `Online`.
    pub members_not_online: i32,
    /// The number of instances.
    pub instance_count: i32,
    /// The number of instances that are `Running`.
    pub instances_running: i32,
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
    /// The storage, in bytes. A pool that the members share counts once.
    pub storage_total: i64,
    /// The used storage, in bytes.
    pub storage_usage: i64,
    /// The storage pool with the highest usage in percent; absent if there is no pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullest_storage_pool: Option<StoragePoolUsage>,
    /// The usage of a storage pool above which there is a warning, in percent.
    pub disk_threshold: u8,
    /// The memory usage above which there is a warning, in percent.
    pub memory_threshold: u8,
    /// The warnings, worst first.
    pub warnings: Vec<Warning>,
    /// The address of the cluster's own web UI.
    pub ui_url: String,
    /// Whether the tunnel is open.
    pub tunnel_registered: bool,
    /// The end of the validity of the cluster's certificate.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub certificate_not_after: OffsetDateTime,
}

impl ClusterSummary {
    /// The summary of a cluster, with its health by these rules at this time.
    pub fn new(cluster: &fleet::Cluster, rules: &HealthRules, clock: &ServiceClock) -> Self {
        let health = cluster.health(rules, clock);
        let warnings = cluster.warnings(&health, clock);
        let details = &cluster.details;
        let in_status = |counts: &[protocol::heartbeat::StatusCount], word: &str| {
            let matching = counts.iter().filter(|entry| entry.status.eq_ignore_ascii_case(word));
            matching.fold(0i32, |sum, entry| sum.saturating_add_unsigned(entry.count))
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
