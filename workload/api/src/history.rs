//! A cluster's history.

use fleet::history::{Figures, HistoryPoint, Resolution};
use fleet::trend::full_in;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use crate::word::HealthState;

/// The part of the history that a forecast is based on.
const TREND_PERIOD: Duration = Duration::days(30);

/// A cluster's history, oldest first. The lists have the same length, and entries with the same index belong together.
/// An entry is null if the cluster did not report at that time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterHistory {
    /// The time between two points, in seconds. There are no points for times when the hub was down.
    pub resolution_seconds: i64,
    /// How long points of this resolution are kept, in seconds.
    pub kept_seconds: i64,
    /// The times, in seconds since 1970.
    pub at: Vec<i64>,
    /// The health states. An hour has the worst state within it.
    pub health: Vec<HealthState>,
    /// The load over one minute, per CPU, or per member if the number of CPUs is unknown.
    pub cpu_load: Vec<Option<f32>>,
    /// The memory, in bytes, rounded to seven digits.
    pub memory_total: Vec<Option<u64>>,
    /// The used memory, in bytes.
    pub memory_usage: Vec<Option<u64>>,
    /// The storage, in bytes. A pool that the members share counts once.
    pub storage_total: Vec<Option<u64>>,
    /// The used storage, in bytes.
    pub storage_usage: Vec<Option<u64>>,
    /// The number of members.
    pub members: Vec<Option<i32>>,
    /// The number of members that were `Online`.
    pub members_online: Vec<Option<i32>>,
    /// The number of instances.
    pub instances: Vec<Option<i32>>,
    /// The number of instances that were `Running`.
    pub instances_running: Vec<Option<i32>>,
    /// In how many days the memory will be full if the trend of the last thirty days continues; absent if there is no
    /// clear trend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_full_in_days: Option<i64>,
    /// In how many days the storage will be full if the trend of the last thirty days continues; absent if there is no
    /// clear trend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_full_in_days: Option<i64>,
}

impl ClusterHistory {
    /// The history from these points, with a forecast from the hourly ones.
    pub fn new(resolution: Resolution, points: &[HistoryPoint], hours: &[HistoryPoint]) -> Self {
        fn column<T>(points: &[HistoryPoint], value: impl Fn(&Figures) -> T) -> Vec<Option<T>> {
            points.iter().map(|point| point.figures.as_ref().map(&value)).collect()
        }
        Self {
            resolution_seconds: resolution.step().whole_seconds(),
            kept_seconds: resolution.kept().whole_seconds(),
            at: points.iter().map(|point| point.at.unix_timestamp()).collect(),
            health: points.iter().map(|point| point.health.into()).collect(),
            cpu_load: column(points, |figures| figures.cpu_load),
            memory_total: column(points, |figures| bytes(figures.memory_total)),
            memory_usage: column(points, |figures| bytes(figures.memory_usage)),
            storage_total: column(points, |figures| bytes(figures.storage_total)),
            storage_usage: column(points, |figures| bytes(figures.storage_usage)),
            members: column(points, |figures| figures.members),
            members_online: column(points, |figures| figures.members_online),
            instances: column(points, |figures| figures.instances),
            instances_running: column(points, |figures| figures.instances_running),
            memory_full_in_days: full_in_days(hours, |of| (of.memory_usage, of.memory_total)),
            storage_full_in_days: full_in_days(hours, |of| (of.storage_usage, of.storage_total)),
        }
    }
}

fn full_in_days(hours: &[HistoryPoint], of: impl Fn(&Figures) -> (f32, f32)) -> Option<i64> {
    let since = hours.last()?.at - TREND_PERIOD;
    let share = |point: &HistoryPoint| -> Option<(OffsetDateTime, f64)> {
        let (usage, total) = of(point.figures.as_ref()?);
        (total > 0.0).then(|| (point.at, f64::from(usage) / f64::from(total)))
    };
    let shares: Vec<_> = hours.iter().filter(|point| point.at >= since).filter_map(share).collect();
    full_in(&shares).map(Duration::whole_days)
}

/// Whole bytes. A negative amount becomes 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` takes the nearest")]
fn bytes(amount: f32) -> u64 {
    amount.round() as u64
}
