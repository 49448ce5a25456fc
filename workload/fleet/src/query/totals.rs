//! The totals of the fleet.

use std::collections::BTreeMap;

use crate::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES};
use crate::{ClusterState, HealthState, Judge, Severity, WarningKind, warning};

/// The totals of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetTotals {
    /// The number of clusters.
    pub clusters: u64,
    /// The number of clusters in each state, best first, including states with none.
    pub health: Vec<(HealthState, u64)>,
    /// The number of clusters with a warning of each kind and severity, worst first, without those with none.
    pub warnings: Vec<(WarningKind, Severity, u64)>,
    /// The number of members in each status: always the usual ones, in LXD's words; then others, without case.
    pub members: Vec<(String, u64)>,
    /// The number of instances in each status, likewise.
    pub instances: Vec<(String, u64)>,
    /// The memory of all clusters, in bytes.
    pub memory_total: u64,
    /// The used memory, in bytes.
    pub memory_usage: u64,
    /// The storage of all clusters, in bytes. A pool that the members of a cluster share counts once.
    pub storage_total: u64,
    /// The used storage, in bytes.
    pub storage_usage: u64,
}

/// The number of members, or of instances, in each status.
struct Counts<const N: usize> {
    words: [&'static str; N],
    usual: [u64; N],
    others: BTreeMap<String, u64>,
}

impl FleetTotals {
    /// Totals the states of clusters. Sums saturate, since hostile reports could overflow them.
    pub fn of<'a>(fleet: impl IntoIterator<Item = &'a ClusterState>, judge: &Judge<'_>) -> Self {
        let mut clusters = 0;
        let mut health = HealthState::ALL.map(|state| (state, 0));
        let mut warnings: BTreeMap<(WarningKind, Severity), u64> = BTreeMap::new();
        let (mut members, mut instances) = (Counts::new(MEMBER_STATUSES), Counts::new(INSTANCE_STATUSES));
        let [mut memory_total, mut memory_usage, mut storage_total, mut storage_usage] = [0u64; 4];
        for cluster in fleet {
            clusters += 1;
            let (state, report) = (judge.state(cluster), &cluster.report);
            if let Some((_, count)) = health.iter_mut().find(|(of, _)| *of == state) {
                *count += 1;
            }
            let heartbeat =
                warning::severity_of_health(state).map(|severity| (WarningKind::Heartbeat, severity));
            let certificate = judge.certificate(cluster).map(|severity| (WarningKind::Certificate, severity));
            for key in cluster.reported.iter().copied().chain(heartbeat).chain(certificate) {
                *warnings.entry(key).or_default() += 1;
            }
            members.add(&report.members, &report.other_members);
            instances.add(&report.instances, &report.other_instances);
            for (sum, amount) in [
                (&mut memory_total, cluster.memory_total),
                (&mut memory_usage, cluster.memory_usage),
                (&mut storage_total, report.storage_total),
                (&mut storage_usage, report.storage_usage),
            ] {
                *sum = sum.saturating_add(unsigned(amount));
            }
        }
        let mut warnings: Vec<_> =
            warnings.into_iter().map(|((kind, severity), clusters)| (kind, severity, clusters)).collect();
        warnings.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        Self {
            clusters,
            health: health.to_vec(),
            warnings,
            members: members.into_list(),
            instances: instances.into_list(),
            memory_total,
            memory_usage,
            storage_total,
            storage_usage,
        }
    }
}

impl<const N: usize> Counts<N> {
    const fn new(words: [&'static str; N]) -> Self {
        Self { words, usual: [0; N], others: BTreeMap::new() }
    }

    fn add(&mut self, usual: &[i32; N], others: &BTreeMap<String, i64>) {
        for (sum, count) in self.usual.iter_mut().zip(usual) {
            *sum = sum.saturating_add(unsigned((*count).into()));
        }
        for (word, count) in others {
            // Not `entry`, which would copy a word that is already there.
            match self.others.get_mut(word) {
                Some(sum) => *sum = sum.saturating_add(unsigned(*count)),
                None => {
                    self.others.insert(word.clone(), unsigned(*count));
                }
            }
        }
    }

    fn into_list(self) -> Vec<(String, u64)> {
        let usual = self.words.into_iter().map(str::to_owned).zip(self.usual);
        usual.chain(self.others).collect()
    }
}

/// Amounts are never negative; if one is, it counts as 0.
fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or_default()
}
