//! The few numbers of a report by which the fleet is filtered, sorted and totalled.

use std::collections::BTreeMap;

use protocol::heartbeat::{Details, StatusCount, StoragePoolUsage};

/// The numbers of one report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportSummary {
    /// The load of the last minute per CPU; per member if the number of CPUs is unknown.
    pub cpu_load: f64,
    /// The used share of the memory.
    pub memory_share: Share,
    /// The size of all storage pools in bytes, each counted once.
    pub storage_total: i64,
    /// The used storage of all pools, in bytes.
    pub storage_usage: i64,
    /// The used share of the fullest storage pool.
    pub storage_share: Share,
    /// The number of members in each status of [`MEMBER_STATUSES`].
    pub members: [i32; MEMBER_STATUSES.len()],
    /// The number of members in each other status.
    pub other_members: BTreeMap<String, i64>,
    /// The number of instances in each status of [`INSTANCE_STATUSES`].
    pub instances: [i32; INSTANCE_STATUSES.len()],
    /// The number of instances in each other status.
    pub other_instances: BTreeMap<String, i64>,
}

/// The usual statuses of a member, in LXD's words.
pub const MEMBER_STATUSES: [&str; 4] = ["Online", "Offline", "Evacuated", "Blocked"];
/// The usual statuses of an instance, in LXD's words.
pub const INSTANCE_STATUSES: [&str; 4] = ["Running", "Stopped", "Frozen", "Error"];

/// The most other statuses of a report that are counted separately, so that no cluster can slow down the list. Further
/// ones are counted under [`REST`].
const MAX_OTHER_STATUSES: usize = 32;
/// The status under which the rest is counted.
pub const REST: &str = "other";

/// A used share in hundredths of a percent, rounded up, so that "above 80%" agrees with
/// [`crate::Percent::is_exceeded_by`]. 0 if the total is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(i32);

impl Share {
    /// A share from the database.
    pub const fn from_hundredths(hundredths: i32) -> Self {
        Self(hundredths)
    }

    /// The share in hundredths of a percent.
    pub const fn hundredths(self) -> i32 {
        self.0
    }

    /// The share of `usage` in `total`.
    pub fn of(usage: u64, total: u64) -> Self {
        if total == 0 {
            return Self(0);
        }
        let share = (u128::from(usage) * 10_000).div_ceil(u128::from(total));
        Self(i32::try_from(share).unwrap_or(i32::MAX))
    }
}

impl ReportSummary {
    /// Summarises a report.
    pub fn of(details: &Details) -> Self {
        let (members, other_members) = by_status(&details.member_statuses, MEMBER_STATUSES);
        let (instances, other_instances) = by_status(&details.instance_statuses, INSTANCE_STATUSES);
        let (storage_total, storage_usage) = storage(&details.storage_pool_usages);
        let fullest = details.storage_pool_usages.iter().map(|pool| Share::of(pool.usage, pool.total)).max();
        Self {
            cpu_load: cpu_load(details),
            memory_share: Share::of(
                details.memory_usage.unsigned_abs(),
                details.memory_total_amount.unsigned_abs(),
            ),
            storage_total,
            storage_usage,
            storage_share: fullest.unwrap_or_default(),
            members,
            other_members,
            instances,
            other_instances,
        }
    }
}

/// Returns the size and the usage of all pools. A pool that is listed twice counts once, with its fuller entry.
pub fn storage(pools: &[StoragePoolUsage]) -> (i64, i64) {
    let mut sorted: Vec<&StoragePoolUsage> = pools.iter().collect();
    sorted.sort_unstable_by(|a, b| {
        (&a.name, &a.member, b.usage, b.total).cmp(&(&b.name, &b.member, a.usage, a.total))
    });
    sorted.dedup_by(|a, b| (&a.name, &a.member) == (&b.name, &b.member));
    let sum = |number: fn(&StoragePoolUsage) -> u64| {
        let sum: u128 = sorted.iter().map(|pool| u128::from(number(pool))).sum();
        i64::try_from(sum).unwrap_or(i64::MAX)
    };
    (sum(|pool| pool.total), sum(|pool| pool.usage))
}

fn cpu_load(details: &Details) -> f64 {
    let load: f64 = details.cpu_load_1.as_str().parse().unwrap_or_default();
    let shared_by = match details.cpu_total_count {
        ..=0 => f64::from(details.member_count().max(1)),
        cpus => cpus as f64,
    };
    load / shared_by
}

fn by_status<const N: usize>(counts: &[StatusCount], usual: [&str; N]) -> ([i32; N], BTreeMap<String, i64>) {
    let (mut known, mut other) = ([0i32; N], BTreeMap::new());
    for StatusCount { status, count } in counts.iter().filter(|entry| entry.count > 0) {
        if let Some(place) = usual.iter().position(|word| word.eq_ignore_ascii_case(status)) {
            known[place] = known[place].saturating_add(i32::try_from(*count).unwrap_or(i32::MAX));
        } else {
            let word = without_case(status);
            let is_rest = other.len() >= MAX_OTHER_STATUSES && !other.contains_key(&word);
            *other.entry(if is_rest { REST.to_owned() } else { word }).or_default() += i64::from(*count);
        }
    }
    (known, other)
}

/// A text in the form in which texts are compared and searched.
pub fn without_case(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::Heartbeat;

    use super::*;
    use crate::Percent;

    fn of(body: &str) -> ReportSummary {
        ReportSummary::of(&Heartbeat::parse(body.as_bytes()).unwrap().details)
    }

    #[test]
    fn empty_report_is_all_zero() {
        assert_eq!(of("{}"), ReportSummary::default());
    }

    #[test]
    fn statuses_are_counted_without_case_and_unknown_ones_are_kept() {
        let summary = of(r#"{"member_statuses":[{"status":"ONLINE","count":2},{"status":"online","count":1},
            {"status":"Ärger","count":1},{"status":"Gone","count":0}],
            "instance_statuses":[{"status":"Running","count":7},{"status":"Error","count":1}]}"#);
        assert_eq!(summary.members, [3, 0, 0, 0]);
        assert_eq!(summary.other_members, BTreeMap::from([("ärger".to_owned(), 1)]));
        assert_eq!(summary.instances, [7, 0, 0, 1]);
    }

    #[test]
    fn statuses_beyond_the_limit_are_counted_together() {
        let words: Vec<String> = (0..64).map(|n| format!(r#"{{"status":"s{n:04}","count":2}}"#)).collect();
        let summary = of(&format!(r#"{{"instance_statuses":[{}]}}"#, words.join(",")));
        assert_eq!(summary.other_instances.len(), MAX_OTHER_STATUSES + 1);
        assert_eq!(summary.other_instances[REST], 2 * (64 - 32));
    }

    #[test]
    fn each_pool_counts_once_and_the_fullest_gives_the_share() {
        let summary = of(r#"{"storage_pool_usages":[{"name":"local","member":"m1","total":100,"usage":10},
            {"name":"local","member":"m2","total":100,"usage":81},{"name":"ceph","total":1000,"usage":500},
            {"name":"ceph","total":1000,"usage":500},{"name":"empty"}]}"#);
        assert_eq!((summary.storage_total, summary.storage_usage), (1200, 591));
        assert_eq!(summary.storage_share.hundredths(), 8100);
        let huge = of(r#"{"storage_pool_usages":[{"name":"a","total":18446744073709551615,"usage":1},
            {"name":"b","total":1,"usage":18446744073709551615}]}"#);
        assert_eq!((huge.storage_total, huge.storage_share.hundredths()), (i64::MAX, i32::MAX));
    }

    #[test]
    fn load_is_per_cpu_or_per_member() {
        let members = r#""member_statuses":[{"status":"Online","count":4}]"#;
        let close = |body: String, load: f64| assert!((of(&body).cpu_load - load).abs() < 1e-9, "{body}");
        close(format!(r#"{{"cpu_load_1":"2.00","cpu_total_count":8,{members}}}"#), 0.25);
        close(format!(r#"{{"cpu_load_1":"2.00","cpu_total_count":0,{members}}}"#), 0.5);
        close(r#"{"cpu_load_1":"2.00"}"#.to_owned(), 2.0);
    }

    proptest! {
        #[test]
        fn share_agrees_with_threshold(usage: u64, total: u64, percent in 0i64..=100) {
            let threshold = Percent::new(percent).unwrap();
            let share = i64::from(Share::of(usage, total).hundredths());
            prop_assert_eq!(share > percent * 100, threshold.is_exceeded_by(usage, total));
        }

        #[test]
        fn share_agrees_with_threshold_near_it(total in 1u64..1 << 40, percent in 0i64..=100, off in -3i64..=3) {
            let usage = (total * u64::try_from(percent).unwrap() / 100).saturating_add_signed(off);
            let threshold = Percent::new(percent).unwrap();
            let share = i64::from(Share::of(usage, total).hundredths());
            prop_assert_eq!(share > percent * 100, threshold.is_exceeded_by(usage, total));
        }
    }
}
