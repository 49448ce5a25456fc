//! How much each cluster sends. One that sends much gets batches of its own, so that a queue can drop them alone.

use std::collections::HashMap;
use std::time::Duration;

use protocol::ClusterName;

use crate::time::UnixMillis;

/// A cluster that sends this many bytes of expositions in about a minute sends much: more than ten thousand samples.
const MUCH_BYTES: f64 = 1024.0 * 1024.0;
/// After this time, what was sent counts half.
const HALF_LIFE: Duration = Duration::from_mins(1);
/// How long a cluster keeps batches of its own after it sent much. Longer than any batch waits in a queue: a shared batch must
/// not overtake one of its own.
const OWN_BATCHES_FOR: Duration = Duration::from_hours(24);

/// The pace of every cluster.
#[derive(Debug, Default)]
pub(crate) struct Paces(HashMap<ClusterName, Pace>);

#[derive(Debug)]
struct Pace {
    bytes: f64,
    at: UnixMillis,
    sent_much_at: Option<UnixMillis>,
}

impl Paces {
    /// Notes an exposition of this many bytes. Returns whether its cluster has batches of its own.
    pub(crate) fn note(&mut self, cluster: &ClusterName, bytes: usize, at: UnixMillis) -> bool {
        if !self.0.contains_key(cluster) {
            self.0.insert(cluster.clone(), Pace { bytes: 0.0, at, sent_much_at: None });
        }
        let Some(pace) = self.0.get_mut(cluster) else { return false };
        let half_lives = at.since(pace.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "bytes of an exposition")]
        let bytes = bytes as f64;
        pace.bytes = pace.bytes * 0.5_f64.powf(half_lives) + bytes;
        pace.at = pace.at.max(at);
        if pace.bytes >= MUCH_BYTES {
            pace.sent_much_at = Some(pace.at);
        }
        pace.has_own_batches(at)
    }

    /// Whether a cluster has batches of its own.
    pub(crate) fn has_own_batches(&self, cluster: &ClusterName, at: UnixMillis) -> bool {
        self.0.get(cluster).is_some_and(|pace| pace.has_own_batches(at))
    }

    /// Forgets clusters that sent nothing for long.
    pub(crate) fn sweep(&mut self, now: UnixMillis) {
        self.0.retain(|_, pace| pace.has_own_batches(now) || now.since(pace.at) < 10 * HALF_LIFE);
    }
}

impl Pace {
    fn has_own_batches(&self, at: UnixMillis) -> bool {
        self.sent_much_at.is_some_and(|much| at.since(much) < OWN_BATCHES_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_that_sends_much_or_often_has_batches_of_its_own_for_long() {
        let mut paces = Paces::default();
        let [small, large, often] = ["small", "large", "often"].map(|name| ClusterName::new(name).unwrap());
        let mut has_own = [false; 3];
        for second in 0..600 {
            let at = UnixMillis(second * 1000);
            if second % 60 == 0 {
                has_own[0] |= paces.note(&small, 400_000, at);
                has_own[1] = paces.note(&large, 600_000, at);
            }
            has_own[2] = paces.note(&often, 20_000, at);
        }
        assert_eq!(has_own, [false, true, true]);
        let later = UnixMillis(23 * 3_600_000);
        assert!(paces.note(&often, 0, later));
        paces.sweep(later);
        assert_eq!(paces.0.len(), 2);
        assert!(!paces.has_own_batches(&often, later.plus(Duration::from_hours(2))));
    }
}
