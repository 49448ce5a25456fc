//! Answers a query from how the clusters stand: which fit, in which order, where the page ends.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{ClusterFilter, ClusterQuery, Order, SortBy};
use crate::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES, Share, without_case};
use crate::standing::{Judge, Standing};
use crate::{HealthState, Severity, WarningKind};

/// What fits a query.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The clusters of the page, in order.
    pub page: Vec<&'a Standing>,
    /// Where the page ended, if another follows.
    pub end: Option<Position<'a>>,
    /// How many fit on all pages together.
    pub total: u64,
}

/// A place in a sorted list: behind this cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position<'a> {
    /// What the cluster is sorted by.
    pub key: SortKey<'a>,
    /// Its name.
    pub name: Cow<'a, str>,
}

/// What a cluster is sorted by. In one list all are texts or all are numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey<'a> {
    /// Sorted by its bytes.
    Text(Cow<'a, str>),
    /// Any other key, as a number in the same order.
    Number(i64),
}

/// A filter made ready to be compared with many clusters.
struct Criteria<'a> {
    filter: &'a ClusterFilter,
    search: Option<String>,
    members: Statuses,
    instances: Statuses,
}

/// Statuses that are asked for, the usual ones by their place.
#[derive(Default)]
struct Statuses {
    usual: Vec<usize>,
    others: Vec<String>,
}

/// The clusters of the page that the query asks for, out of all.
pub fn select<'a>(
    fleet: impl IntoIterator<Item = &'a Standing>,
    query: &ClusterQuery,
    after: Option<&Position<'_>>,
    judge: &Judge<'_>,
) -> Selection<'a> {
    let criteria = Criteria::new(&query.filter);
    let order = |a: (&SortKey<'_>, &str), b: (&SortKey<'_>, &str)| {
        let by_key = if query.order == Order::Asc { a.0.cmp(b.0) } else { b.0.cmp(a.0) };
        // Equals follow by name from the beginning of the alphabet, whichever way the list is sorted. By name itself
        // there are none.
        by_key.then_with(|| a.1.cmp(b.1))
    };
    let mut total = 0;
    let mut behind: Vec<(SortKey<'a>, &'a Standing)> = Vec::new();
    for cluster in fleet.into_iter().filter(|cluster| criteria.fits(cluster, judge)) {
        total += 1;
        let key = key(cluster, query.sort, judge);
        let is_behind = |after: &Position<'_>| {
            order((&after.key, &after.name), (&key, cluster.name.as_str())) == Ordering::Less
        };
        if after.is_none_or(is_behind) {
            behind.push((key, cluster));
        }
    }
    let limit = usize::from(query.limit);
    let compare = |a: &(SortKey<'a>, &Standing), b: &(SortKey<'a>, &Standing)| {
        order((&a.0, a.1.name.as_str()), (&b.0, b.1.name.as_str()))
    };
    let has_more = behind.len() > limit;
    if has_more {
        // The page's own come first, in any order; only they are worth sorting.
        behind.select_nth_unstable_by(limit, compare);
        behind.truncate(limit);
    }
    behind.sort_unstable_by(compare);
    let page = behind.iter().map(|(_, cluster)| *cluster).collect();
    let end = behind.pop().filter(|_| has_more);
    let end = end.map(|(key, cluster)| Position { key, name: Cow::Borrowed(cluster.name.as_str()) });
    Selection { page, end, total }
}

/// The clusters that the filter fits, in the order in which they come.
pub fn matching<'a>(
    fleet: impl IntoIterator<Item = &'a Standing>,
    filter: &ClusterFilter,
    judge: &Judge<'_>,
) -> Vec<&'a Standing> {
    let criteria = Criteria::new(filter);
    fleet.into_iter().filter(|cluster| criteria.fits(cluster, judge)).collect()
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

    fn fits(&self, cluster: &Standing, judge: &Judge<'_>) -> bool {
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
            && self.search.as_ref().is_none_or(|text| cluster.search_text.holds(text))
    }
}

fn has_warning(cluster: &Standing, kind: WarningKind, judge: &Judge<'_>) -> bool {
    match kind {
        // These two are not reported, but seen.
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
                Some(place) => statuses.usual.push(place),
                None => statuses.others.push(without_case(status)),
            }
        }
        statuses
    }

    fn any(&self, counts: &[i32], has_other: impl Fn(&str) -> bool) -> bool {
        self.usual.iter().any(|place| counts.get(*place).is_some_and(|count| *count > 0))
            || self.others.iter().any(|word| has_other(word))
    }
}

fn key<'a>(cluster: &'a Standing, sort: SortBy, judge: &Judge<'_>) -> SortKey<'a> {
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
        SortBy::Cpu => ordered(report.cpu_load),
        SortBy::Memory => report.memory_share.hundredths().into(),
        SortBy::Storage => report.storage_share.hundredths().into(),
        SortBy::Warnings => {
            let (critical, all) = judge.warnings(cluster);
            // Of a kind no more than fifty are kept.
            critical * 1_000_000 + all
        }
        SortBy::JoinedAt => microseconds(cluster.joined_at),
    };
    SortKey::Number(number)
}

/// As fine as the database keeps times.
fn microseconds(moment: time::OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// A number that is greater where the other is, as `f64::total_cmp` has it.
fn ordered(number: f64) -> i64 {
    let bits = number.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}
