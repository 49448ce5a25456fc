//! How a cluster was in the past: a few numbers every five minutes, and by the hour for longer.

use time::{Duration, OffsetDateTime};

use crate::standing::{Judge, Standing};
use crate::{ClusterId, HealthState};

/// How far apart the points of a history are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Every five minutes, of the last two days.
    FiveMinutes,
    /// Every hour, of the last ninety days.
    Hour,
}

/// How a cluster was at one time, or over an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPoint {
    /// When; of an hour, its beginning.
    pub at: OffsetDateTime,
    /// How it stood; of an hour, the worst.
    pub health: HealthState,
    /// What it reported; none while it was silent: its last report was not true any more.
    pub figures: Option<Figures>,
}

/// What a cluster reported at one time; on the average of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The load of the last minute for each CPU; for each member where the number of CPUs is not known.
    pub cpu_load: f32,
    /// The memory of its members, in bytes, as precise as a picture needs it.
    pub memory_total: f32,
    /// How much of it was used, in bytes.
    pub memory_usage: f32,
    /// Its storage, in bytes.
    pub storage_total: f32,
    /// How much of it was used, in bytes.
    pub storage_usage: f32,
    /// How many members.
    pub members: i32,
    /// How many of them were online.
    pub members_online: i32,
    /// How many instances, whatever their status.
    pub instances: i32,
    /// How many of them ran.
    pub instances_running: i32,
}

// === impl Resolution ===

impl Resolution {
    /// All of them, finest first.
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

    /// As the query has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }

    /// From its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.as_str() == word)
    }
}

// === impl HistoryPoint ===

impl HistoryPoint {
    /// How a cluster is now, to be remembered as having been so at this time.
    pub fn of(cluster: &Standing, judge: &Judge<'_>, at: OffsetDateTime) -> (ClusterId, Self) {
        let health = judge.state(cluster);
        let has_reported = cluster.last_heartbeat_at.is_some() && health == HealthState::Fresh;
        (cluster.id, Self { at, health, figures: has_reported.then(|| Figures::of(cluster)) })
    }
}

impl Figures {
    fn of(cluster: &Standing) -> Self {
        let report = &cluster.report;
        let sum = |counts: &[i32], others: i64| {
            let all = counts.iter().map(|count| i64::from(*count)).sum::<i64>().saturating_add(others);
            i32::try_from(all).unwrap_or(i32::MAX)
        };
        let others: i64 = report.other_instances.values().fold(0, |sum, count| sum.saturating_add(*count));
        Self {
            cpu_load: drawn(report.cpu_load),
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

/// A load that a picture can show: what a hostile report holds must not be more, or less, than the database's numbers
/// can average.
#[expect(clippy::cast_possible_truncation, reason = "seven digits are as many as a picture shows")]
fn drawn(load: f64) -> f32 {
    const SMALLEST: f64 = 1e-6;
    const LARGEST: f64 = 1e9;
    // Nothing else is left of what is no number.
    if load >= SMALLEST { load.min(LARGEST) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn no_load_is_too_small_or_too_large_for_an_average() {
        for (load, drawn_as) in
            [(0.5, 0.5), (1e-45, 0.0), (1e300, 1e9), (f64::INFINITY, 1e9), (f64::NAN, 0.0)]
        {
            assert_eq!(drawn(load).total_cmp(&drawn_as), Ordering::Equal, "{load}");
        }
    }
}
