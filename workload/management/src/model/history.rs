//! How a cluster was.

use fleet::HealthState;
use fleet::history::{Figures, HistoryPoint, Resolution};
use fleet::trend::full_in;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

/// A trend is looked for in this much of the past: what was before is another story.
const TREND_OVER: Duration = Duration::days(30);

/// How a cluster was, oldest first. Of each list the entries with the same number belong together; `null` is what
/// nobody knows, since the cluster was silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterHistory {
    /// How far the points are apart, in seconds. Where the hub was away, there are none.
    pub resolution_seconds: i64,
    /// For how long points of this resolution are kept, in seconds.
    pub kept_seconds: i64,
    /// When, in seconds since 1970.
    pub at: Vec<i64>,
    /// `fresh`, `late` or `lost`; of an hour, the worst.
    pub health: Vec<String>,
    /// The load of the last minute for each CPU; for each member where the number of CPUs is not known.
    pub cpu_load: Vec<Option<f32>>,
    /// The memory in bytes, rounded to seven digits.
    pub memory_total: Vec<Option<u64>>,
    /// How much of it was used.
    pub memory_usage: Vec<Option<u64>>,
    /// The storage in bytes; a pool that the members share counts once.
    pub storage_total: Vec<Option<u64>>,
    /// How much of it was used.
    pub storage_usage: Vec<Option<u64>>,
    /// How many members.
    pub members: Vec<Option<i32>>,
    /// How many of them were `Online`.
    pub members_online: Vec<Option<i32>>,
    /// How many instances.
    pub instances: Vec<Option<i32>>,
    /// How many of them were `Running`.
    pub instances_running: Vec<Option<i32>>,
    /// In how many days the memory is full, if it goes on as in the last thirty; absent where no trend is clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_full_in_days: Option<i64>,
    /// In how many days the storage is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_full_in_days: Option<i64>,
}

impl ClusterHistory {
    /// As the API shows these points, with a forecast from those by the hour.
    pub fn new(resolution: Resolution, points: &[HistoryPoint], hours: &[HistoryPoint]) -> Self {
        fn column<T>(points: &[HistoryPoint], value: impl Fn(&Figures) -> T) -> Vec<Option<T>> {
            points.iter().map(|point| point.figures.as_ref().map(&value)).collect()
        }
        Self {
            resolution_seconds: resolution.step().whole_seconds(),
            kept_seconds: resolution.kept().whole_seconds(),
            at: points.iter().map(|point| point.at.unix_timestamp()).collect(),
            health: points.iter().map(|point| HealthState::as_str(point.health).to_owned()).collect(),
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
    let since = hours.last()?.at - TREND_OVER;
    let share = |point: &HistoryPoint| -> Option<(OffsetDateTime, f64)> {
        let (usage, total) = of(point.figures.as_ref()?);
        (total > 0.0).then(|| (point.at, f64::from(usage) / f64::from(total)))
    };
    let shares: Vec<_> = hours.iter().filter(|point| point.at >= since).filter_map(share).collect();
    full_in(&shares).map(Duration::whole_days)
}

/// Whole bytes. A float that is no number of bytes becomes the nearest one that is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` takes the nearest")]
fn bytes(amount: f32) -> u64 {
    amount.round() as u64
}
