//! When to try again what failed.

use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(30);

/// One second after the first failure, twice as long after each further one, up to half a minute.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    retry_at: Option<Instant>,
}

impl Backoff {
    pub(crate) fn failed(&mut self, now: Instant) {
        let wait = Duration::from_secs(1 << self.failures.min(5)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + wait);
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// How long to wait still; none: try.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_but_not_for_ever() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert_eq!(backoff.wait(now), None);
        let mut waits = Vec::new();
        for _ in 0..7 {
            backoff.failed(now);
            waits.push(backoff.wait(now).unwrap().as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.wait(now + LONGEST), None);
        backoff.succeeded();
        assert_eq!(backoff.wait(now), None);
    }
}
