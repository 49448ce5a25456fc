//! Joins whose outcome nobody knows: the call ended with a 503 while the database was busy with them.
//!
//! What a join had begun is rolled back, unless its commit was already on its way. Then the cluster is enrolled and its token
//! is used up, but the cluster does not know it. So when the same certificate asks to join under the same name again, it
//! receives the 200 that it missed. This gives nothing to anybody else: the caller proves that it has the key of the enrolled
//! cluster.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::Fingerprint;

/// How long a join is remembered: as long as somebody may be expected to try again.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
/// How many are remembered, some hundred kilobytes.
const MAX_REMEMBERED: usize = 4096;

/// The certificates of the connections whose joins ended with a 503.
#[derive(Default)]
pub(crate) struct UnansweredJoins(Mutex<HashMap<Fingerprint, Instant>>);

impl UnansweredJoins {
    pub(crate) fn remember(&self, presented: Fingerprint) {
        let mut known = self.lock();
        if known.len() >= MAX_REMEMBERED {
            known.retain(|_, at| at.elapsed() < REMEMBERED_FOR);
        }
        if known.len() < MAX_REMEMBERED {
            known.insert(presented, Instant::now());
        }
    }

    pub(crate) fn contains(&self, presented: Fingerprint) -> bool {
        self.lock().get(&presented).is_some_and(|at| at.elapsed() < REMEMBERED_FOR)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flood_of_joins_does_not_fill_the_memory() {
        let joins = UnansweredJoins::default();
        for number in 0..2 * MAX_REMEMBERED {
            joins.remember(Fingerprint::of_der(&number.to_be_bytes()));
        }
        assert_eq!(joins.lock().len(), MAX_REMEMBERED);
        assert!(joins.contains(Fingerprint::of_der(&0usize.to_be_bytes())));
        assert!(!joins.contains(Fingerprint::of_der(b"other")));
    }
}
