//! What the fleet adds up to.

use fleet::{HealthState, ServiceClock};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// What the fleet adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FleetTotals {
    /// By the hub's clock at this moment.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: OffsetDateTime,
    /// Whether the hub itself is not accepting heartbeats now. Nobody turns late meanwhile.
    pub is_hub_outage: bool,
    /// Since when; absent while heartbeats are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub hub_outage_since: Option<OffsetDateTime>,
    /// How many clusters.
    pub clusters: u64,
    /// How many of them in each state of health.
    pub health: HealthTotals,
    /// How many clusters have a warning of a kind and severity, worst first.
    pub warnings: Vec<WarningTotal>,
    /// How many members in each status. LXD's usual ones always come, and come first.
    pub member_statuses: Vec<StatusTotal>,
    /// How many instances in each status. LXD's usual ones always come, and come first.
    pub instance_statuses: Vec<StatusTotal>,
    /// The memory of all, in bytes.
    pub memory_total_amount: u64,
    /// How much of it is used, in bytes.
    pub memory_usage: u64,
    /// The storage of all, in bytes; a pool that the members of a cluster share counts once.
    pub storage_total: u64,
    /// How much of it is used, in bytes.
    pub storage_usage: u64,
}

/// How many clusters in each state of health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthTotals {
    /// Beating as expected.
    pub fresh: u64,
    /// Silent for longer than they should.
    pub late: u64,
    /// Silent for so long that nobody should count on them.
    pub lost: u64,
}

/// How many clusters have a warning of one kind and severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WarningTotal {
    /// What it is about.
    pub kind: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// How many clusters.
    pub clusters: u64,
}

/// How many there are in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusTotal {
    /// The status, in LXD's words; capital and small letters are not told apart.
    pub status: String,
    /// How many.
    pub count: u64,
}

impl FleetTotals {
    /// As the API shows them.
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
            kind: kind.as_str().to_owned(),
            severity: severity.as_str().to_owned(),
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

/// As LXD writes its own words.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
