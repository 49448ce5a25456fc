//! Past states of a cluster: a few numbers every five minutes, and every hour for longer.

use time::{Duration, OffsetDateTime};

use crate::{ClusterId, ClusterState, HealthState, Judge};

/// The distance between the points of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Five minutes, for the last two days.
    FiveMinutes,
    /// An hour, for the last ninety days.
    Hour,
}

/// A cluster at one time, or over an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPoint {
    /// The time; for an hour, its start.
    pub at: OffsetDateTime,
    /// The health; for an hour, the worst.
    pub health: HealthState,
    /// The reported figures; absent while the cluster was silent, since its last report was out of date.
    pub figures: Option<Figures>,
}

/// What a cluster reported at one time; for an hour, the average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The load of the last minute per CPU; per member if the number of CPUs is unknown.
    pub cpu_load: f32,
    /// The memory of its members, in bytes, precise enough for a chart.
    pub memory_total: f32,
    /// The used memory, in bytes.
    pub memory_usage: f32,
    /// The size of its storage, in bytes.
    pub storage_total: f32,
    /// The used storage, in bytes.
    pub storage_usage: f32,
    /// The number of members.
    pub members: i32,
    /// The number of members that were online.
    pub members_online: i32,
    /// The number of instances in any status.
    pub instances: i32,
    /// The number of instances that were running.
    pub instances_running: i32,
}

// === impl Resolution ===

impl Resolution {
    /// All resolutions, finest first.
    pub const ALL: [Self; 2] = [Self::FiveMinutes, Self::Hour];

    /// The time between two points.
    pub const fn step(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::minutes(5),
            Self::Hour => Duration::HOUR,
        }
    }

    /// For how long points are kept.
    pub const fn kept(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::hours(48),
            Self::Hour => Duration::days(90),
        }
    }

    /// The word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }

    /// The resolution from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.as_str() == word)
    }
}

// === impl HistoryPoint ===

impl HistoryPoint {
    /// The point for the present state of a cluster, dated `at`.
    pub fn of(cluster: &ClusterState, judge: &Judge<'_>, at: OffsetDateTime) -> (ClusterId, Self) {
        let health = judge.state(cluster);
        let has_reported = cluster.last_heartbeat_at.is_some() && health == HealthState::Fresh;
        (cluster.id, Self { at, health, figures: has_reported.then(|| Figures::of(cluster)) })
    }
}

impl Figures {
    fn of(cluster: &ClusterState) -> Self {
        let report = &cluster.report;
        let sum = |counts: &[i32], others: i64| {
            let all = counts.iter().map(|count| i64::from(*count)).sum::<i64>().saturating_add(others);
            i32::try_from(all).unwrap_or(i32::MAX)
        };
        let others: i64 = report.other_instances.values().fold(0, |sum, count| sum.saturating_add(*count));
        Self {
            cpu_load: chartable(report.cpu_load),
            memory_total: cluster.memory_total as f32,
            memory_usage: cluster.memory_usage as f32,
            storage_total: report.storage_total as f32,
            storage_usage: report.storage_usage as f32,
            members: cluster.member_count,
            members_online: report.members[0],
            instances: sum(&report.instances, others),
            instances_running: report.instances[0],
        }
    }
}

/// Limits a load to a range that a chart can show and whose average the database can compute, whatever a hostile
/// report contains.
#[expect(clippy::cast_possible_truncation, reason = "a chart shows fewer than seven digits")]
fn chartable(load: f64) -> f32 {
    const SMALLEST: f64 = 1e-6;
    const LARGEST: f64 = 1e9;
    // NaN becomes 0.
    if load >= SMALLEST { load.min(LARGEST) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn extreme_loads_are_limited() {
        for (load, expected) in
            [(0.5, 0.5), (1e-45, 0.0), (1e300, 1e9), (f64::INFINITY, 1e9), (f64::NAN, 0.0)]
        {
            assert_eq!(chartable(load).total_cmp(&expected), Ordering::Equal, "{load}");
        }
    }
}
