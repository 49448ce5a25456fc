//! Exponential back-off.

use std::time::{Duration, Instant};

const MAX_DELAY: Duration = Duration::from_secs(30);

/// The delay after failures: one second after the first one, doubled after each further one, at most [`MAX_DELAY`].
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    retry_at: Option<Instant>,
}

impl Backoff {
    pub(crate) fn failed(&mut self, now: Instant) {
        let wait = Duration::from_secs(1 << self.failures.min(5)).min(MAX_DELAY);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + wait);
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// How long to wait before the next attempt; `None` if it can be made now.
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
    fn delay_doubles_up_to_the_limit() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert_eq!(backoff.wait(now), None);
        let mut waits = Vec::new();
        for _ in 0..7 {
            backoff.failed(now);
            waits.push(backoff.wait(now).unwrap().as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.wait(now + MAX_DELAY), None);
        backoff.succeeded();
        assert_eq!(backoff.wait(now), None);
    }
}
