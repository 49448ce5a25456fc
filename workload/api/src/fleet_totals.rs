//! Totals of the fleet.

use fleet::{HealthState, ServiceClock};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::word::{Severity, WarningKind};

/// Totals of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FleetTotals {
    /// The time of the totals, by the hub's clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: OffsetDateTime,
    /// Whether the hub itself is not accepting heartbeats. No cluster becomes late during an outage of the hub.
    pub is_hub_outage: bool,
    /// When the outage of the hub began; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub hub_outage_since: Option<OffsetDateTime>,
    /// The number of clusters.
    pub clusters: u64,
    /// The number of clusters in each health state.
    pub health: HealthTotals,
    /// The number of clusters with a warning of each kind and severity, worst first.
    pub warnings: Vec<WarningTotal>,
    /// The number of members in each status. LXD's usual statuses come first and are always present.
    pub member_statuses: Vec<StatusTotal>,
    /// The number of instances in each status. LXD's usual statuses come first and are always present.
    pub instance_statuses: Vec<StatusTotal>,
    /// The memory of all clusters, in bytes.
    pub memory_total_amount: u64,
    /// The used memory, in bytes.
    pub memory_usage: u64,
    /// The storage of all clusters, in bytes. A pool that the members of a cluster share counts once.
    pub storage_total: u64,
    /// The used storage, in bytes.
    pub storage_usage: u64,
}

/// The number of clusters in each health state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthTotals {
    /// Clusters that report as expected.
    pub fresh: u64,
    /// Clusters that have not reported for longer than expected.
    pub late: u64,
    /// Clusters that have not reported for so long that they must be assumed unavailable.
    pub lost: u64,
}

/// The number of clusters with a warning of one kind and severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WarningTotal {
    /// The subject.
    pub kind: WarningKind,
    /// The severity.
    pub severity: Severity,
    /// The number of clusters.
    pub clusters: u64,
}

/// The number of members or instances in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusTotal {
    /// The status, as LXD names it. Statuses that differ only in case are counted together.
    pub status: String,
    /// The number.
    pub count: u64,
}

impl FleetTotals {
    /// The totals at this time.
    pub fn new(totals: fleet::FleetTotals, clock: &ServiceClock) -> Self {
        let mut health = HealthTotals::default();
        for (state, clusters) in totals.health {
            match state {
                HealthState::Fresh => health.fresh = clusters,
                HealthState::Late => health.late = clusters,
                HealthState::Lost => health.lost = clusters,
            }
        }
        let warnings = totals.warnings.into_iter().map(|(kind, severity, clusters)| WarningTotal {
            kind: kind.into(),
            severity: severity.into(),
            clusters,
        });
        Self {
            as_of: clock.now,
            is_hub_outage: clock.is_outage(),
            hub_outage_since: clock.is_outage().then_some(clock.accepting_until),
            clusters: totals.clusters,
            health,
            warnings: warnings.collect(),
            member_statuses: by_status(totals.members),
            instance_statuses: by_status(totals.instances),
            memory_total_amount: totals.memory_total,
            memory_usage: totals.memory_usage,
            storage_total: totals.storage_total,
            storage_usage: totals.storage_usage,
        }
    }
}

fn by_status(counts: Vec<(String, u64)>) -> Vec<StatusTotal> {
    counts.into_iter().map(|(status, count)| StatusTotal { status: capitalised(&status), count }).collect()
}

/// With a capital first letter, as LXD writes its statuses.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
