//! What the fleet adds up to.

use std::collections::BTreeMap;

use crate::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES};
use crate::standing::{Judge, Standing};
use crate::{HealthState, Severity, WarningKind, warning};

/// What the fleet adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetTotals {
    /// How many clusters.
    pub clusters: u64,
    /// How many of them in each state, best first; all states, also those in which there is none.
    pub health: Vec<(HealthState, u64)>,
    /// How many clusters have a warning of a kind and severity, worst first; only those that there are.
    pub warnings: Vec<(WarningKind, Severity, u64)>,
    /// How many members have each status; the usual ones always, in LXD's words, others without case.
    pub members: Vec<(String, u64)>,
    /// How many instances have each status.
    pub instances: Vec<(String, u64)>,
    /// The memory of all, in bytes.
    pub memory_total: u64,
    /// How much of it is used.
    pub memory_usage: u64,
    /// The storage of all, in bytes. A pool that the members of a cluster share counts once.
    pub storage_total: u64,
    /// How much of it is used.
    pub storage_usage: u64,
}

/// What the statuses of all members, or of all instances, add up to so far.
struct Counts<const N: usize> {
    words: [&'static str; N],
    usual: [u64; N],
    others: BTreeMap<String, u64>,
}

impl FleetTotals {
    /// Adds up how all clusters stand. What a few hostile reports overflow stays at the largest number.
    pub fn of<'a>(fleet: impl IntoIterator<Item = &'a Standing>, judge: &Judge<'_>) -> Self {
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
            let silence = warning::severity_of_health(state).map(|is| (WarningKind::Heartbeat, is));
            let certificate = judge.certificate(cluster).map(|is| (WarningKind::Certificate, is));
            for key in cluster.reported.iter().copied().chain(silence).chain(certificate) {
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
            // Looked for first: a word that is known already needs no copy.
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

/// Amounts are never negative.
fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or_default()
}
