//! Evaluation of a query: the clusters that match, their order, and the page.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{ClusterFilter, ClusterQuery, Order, SortBy};
use crate::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES, Share, without_case};
use crate::{ClusterState, HealthState, Judge, Severity, WarningKind};

/// The clusters that match a query.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The clusters of the page, in order.
    pub page: Vec<&'a ClusterState>,
    /// The end of the page, if another one follows.
    pub end: Option<Position<'a>>,
    /// The number of matching clusters on all pages.
    pub total: u64,
}

/// A position in a sorted list: after this cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position<'a> {
    /// The sort key of the cluster.
    pub key: SortKey<'a>,
    /// Its name.
    pub name: Cow<'a, str>,
}

/// The sort key of a cluster. All keys of a list have the same type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey<'a> {
    /// A text, sorted by its bytes.
    Text(Cow<'a, str>),
    /// Any other key, as a number that sorts the same.
    Number(i64),
}

/// A filter, prepared for the comparison with many clusters.
struct Criteria<'a> {
    filter: &'a ClusterFilter,
    search: Option<String>,
    members: Statuses,
    instances: Statuses,
}

/// Wanted statuses: the usual ones by their index, others by their word.
#[derive(Default)]
struct Statuses {
    usual: Vec<usize>,
    others: Vec<String>,
}

/// Returns the page of clusters that a query asks for. It starts after the position `after`.
pub fn select<'a>(
    fleet: impl IntoIterator<Item = &'a ClusterState>,
    query: &ClusterQuery,
    after: Option<&Position<'_>>,
    judge: &Judge<'_>,
) -> Selection<'a> {
    let criteria = Criteria::new(&query.filter);
    let order = |a: (&SortKey<'_>, &str), b: (&SortKey<'_>, &str)| {
        let by_key = if query.order == Order::Asc { a.0.cmp(b.0) } else { b.0.cmp(a.0) };
        // Clusters with equal keys are sorted by name, ascending in both directions.
        by_key.then_with(|| a.1.cmp(b.1))
    };
    let mut total = 0;
    let mut after_position: Vec<(SortKey<'a>, &'a ClusterState)> = Vec::new();
    for cluster in fleet.into_iter().filter(|cluster| criteria.matches(cluster, judge)) {
        total += 1;
        let key = key(cluster, query.sort, judge);
        let is_after = |after: &Position<'_>| {
            order((&after.key, &after.name), (&key, cluster.name.as_str())) == Ordering::Less
        };
        if after.is_none_or(is_after) {
            after_position.push((key, cluster));
        }
    }
    let limit = usize::from(query.limit);
    let compare = |a: &(SortKey<'a>, &ClusterState), b: &(SortKey<'a>, &ClusterState)| {
        order((&a.0, a.1.name.as_str()), (&b.0, b.1.name.as_str()))
    };
    let has_more = after_position.len() > limit;
    if has_more {
        // Move the clusters of the page to the front, so that only they are sorted.
        after_position.select_nth_unstable_by(limit, compare);
        after_position.truncate(limit);
    }
    after_position.sort_unstable_by(compare);
    let page = after_position.iter().map(|(_, cluster)| *cluster).collect();
    let end = after_position.pop().filter(|_| has_more);
    let end = end.map(|(key, cluster)| Position { key, name: Cow::Borrowed(cluster.name.as_str()) });
    Selection { page, end, total }
}

/// Returns the position after a cluster, in a list that is sorted like this.
pub fn position<'a>(cluster: &'a ClusterState, sort: SortBy, judge: &Judge<'_>) -> Position<'a> {
    Position { key: key(cluster, sort, judge), name: Cow::Borrowed(cluster.name.as_str()) }
}

/// Returns the clusters that match a filter, in the given order.
pub fn matching<'a>(
    fleet: impl IntoIterator<Item = &'a ClusterState>,
    filter: &ClusterFilter,
    judge: &Judge<'_>,
) -> Vec<&'a ClusterState> {
    let criteria = Criteria::new(filter);
    fleet.into_iter().filter(|cluster| criteria.matches(cluster, judge)).collect()
}

// === impl Criteria ===

impl<'a> Criteria<'a> {
    fn new(filter: &'a ClusterFilter) -> Self {
        Self {
            filter,
            search: filter.search.as_deref().map(without_case),
            members: Statuses::new(&filter.member_status, &MEMBER_STATUSES),
            instances: Statuses::new(&filter.instance_status, &INSTANCE_STATUSES),
        }
    }

    fn matches(&self, cluster: &ClusterState, judge: &Judge<'_>) -> bool {
        let ClusterFilter {
            health,
            warning,
            member_status,
            instance_status,
            memory_above,
            storage_above,
            ..
        } = self.filter;
        let report = &cluster.report;
        let is_above = |share: Share, above: Option<crate::Percent>| {
            above.is_none_or(|percent| share.hundredths() > i32::from(percent.get()) * 100)
        };
        is_above(report.memory_share, *memory_above)
            && is_above(report.storage_share, *storage_above)
            && (member_status.is_empty()
                || self.members.any(&report.members, |word| report.other_members.contains_key(word)))
            && (instance_status.is_empty()
                || self.instances.any(&report.instances, |word| report.other_instances.contains_key(word)))
            && (health.is_empty() || health.contains(&judge.state(cluster)))
            && (warning.is_empty() || warning.iter().any(|kind| has_warning(cluster, *kind, judge)))
            && self.search.as_ref().is_none_or(|text| cluster.search_text.contains(text))
    }
}

fn has_warning(cluster: &ClusterState, kind: WarningKind, judge: &Judge<'_>) -> bool {
    match kind {
        // The hub finds these two itself; the others come from reports.
        WarningKind::Heartbeat => judge.state(cluster) != HealthState::Fresh,
        WarningKind::Certificate => judge.certificate(cluster).is_some(),
        _ => cluster.reported.iter().any(|(reported, _)| *reported == kind),
    }
}

// === impl Statuses ===

impl Statuses {
    fn new(wanted: &[String], usual: &[&str]) -> Self {
        let mut statuses = Self::default();
        for status in wanted {
            match usual.iter().position(|word| word.eq_ignore_ascii_case(status)) {
                Some(index) => statuses.usual.push(index),
                None => statuses.others.push(without_case(status)),
            }
        }
        statuses
    }

    fn any(&self, counts: &[i32], has_other: impl Fn(&str) -> bool) -> bool {
        self.usual.iter().any(|index| counts.get(*index).is_some_and(|count| *count > 0))
            || self.others.iter().any(|word| has_other(word))
    }
}

fn key<'a>(cluster: &'a ClusterState, sort: SortBy, judge: &Judge<'_>) -> SortKey<'a> {
    let report = &cluster.report;
    let number = match sort {
        SortBy::Name => return SortKey::Text(Cow::Borrowed(cluster.name.as_str())),
        SortBy::Description => return SortKey::Text(Cow::Borrowed(&cluster.description)),
        SortBy::Health => {
            let worst = match judge.worst(cluster) {
                None => 0,
                Some(Severity::Warning) => 1,
                Some(Severity::Critical) => 2,
            };
            i64::from(judge.state(cluster).rank()) * 10 + worst
        }
        SortBy::LastHeartbeat => cluster.last_heartbeat_at.map_or(i64::MIN, microseconds),
        SortBy::Members => cluster.member_count.into(),
        SortBy::Instances => report.instances[0].into(),
        SortBy::Cpu => ordered_bits(report.cpu_load),
        SortBy::Memory => report.memory_share.hundredths().into(),
        SortBy::Storage => report.storage_share.hundredths().into(),
        SortBy::Warnings => {
            let (critical, all) = judge.warnings(cluster);
            // There are far fewer than a million: at most fifty of each kind are kept.
            critical * 1_000_000 + all
        }
        SortBy::JoinedAt => microseconds(cluster.joined_at),
    };
    SortKey::Number(number)
}

/// A time in microseconds, the resolution of the database.
fn microseconds(time: time::OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Maps a number to an integer with the same order, as in `f64::total_cmp`.
fn ordered_bits(number: f64) -> i64 {
    let bits = number.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}
