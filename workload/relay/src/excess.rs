//! Which clusters exceed their budgets, for their warnings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::ClusterName;

/// How long a cluster counts as exceeding a budget after something of it was left out for that.
const EXCESS_LASTS: Duration = Duration::from_mins(10);

/// What every cluster has a limited share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Budget {
    /// Bytes of expositions that wait to be parsed.
    Bytes,
    /// Series.
    Series,
    /// Bytes of samples that wait for a sink.
    Queue,
}

/// The clusters that exceeded a budget lately. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Excess(Arc<Mutex<HashMap<ClusterName, [Option<Instant>; 3]>>>);

impl Budget {
    /// All budgets.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Series, Self::Queue];
}

impl Excess {
    /// Notes that something of a cluster was left out because it exceeds this budget.
    pub(crate) fn note(&self, cluster: &ClusterName, budget: Budget) {
        let mut all = self.lock();
        if !all.contains_key(cluster) {
            all.insert(cluster.clone(), [None; 3]);
        }
        let last = all.get_mut(cluster).map(|last| &mut last[budget as usize]);
        let is_new = last.is_some_and(|last| last.replace(Instant::now()).is_none());
        drop(all);
        if is_new {
            tracing::warn!(%cluster, ?budget, "some metrics of a cluster are left out, because it exceeds a budget");
        }
    }

    /// The budgets that a cluster exceeds.
    pub(crate) fn of(&self, cluster: &ClusterName) -> Vec<Budget> {
        let all = self.lock();
        let Some(last) = all.get(cluster) else { return Vec::new() };
        Budget::ALL.into_iter().filter(|budget| lasts(last[*budget as usize])).collect()
    }

    /// Removes what is over. Returns how many clusters exceed each budget, in the order of [`Budget::ALL`].
    pub(crate) fn sweep(&self) -> [usize; 3] {
        let mut all = self.lock();
        all.retain(|_, last| {
            for time in last.iter_mut() {
                *time = time.filter(|time| lasts(Some(*time)));
            }
            last.iter().any(Option::is_some)
        });
        Budget::ALL.map(|budget| all.values().filter(|last| last[budget as usize].is_some()).count())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterName, [Option<Instant>; 3]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lasts(time: Option<Instant>) -> bool {
    time.is_some_and(|time| time.elapsed() < EXCESS_LASTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_of_a_cluster_are_listed_once_and_counted() {
        let excess = Excess::default();
        let [paris, rome] = ["paris", "rome"].map(|name| ClusterName::new(name).unwrap());
        for budget in [Budget::Queue, Budget::Bytes, Budget::Bytes] {
            excess.note(&paris, budget);
        }
        excess.note(&rome, Budget::Bytes);
        assert_eq!(excess.of(&paris), [Budget::Bytes, Budget::Queue]);
        assert_eq!(excess.sweep(), [2, 0, 1]);
        assert!(excess.of(&ClusterName::new("oslo").unwrap()).is_empty());
    }
}
