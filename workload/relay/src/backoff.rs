//! When to send the next request to a failing sink.

use std::time::Duration;

use tokio::time::Instant;

/// The longest `Retry-After` of a sink that is respected. A longer one is probably a mistake.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// The waits between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure. It doubles with every further failure.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
    /// After this many failures in a row, only one request at a time is sent, until one succeeds.
    pub breaks_after: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), max: Duration::from_secs(30), breaks_after: 5 }
    }
}

impl Backoff {
    /// The wait after this many failures in a row. `spread`, from 0 to 1, chooses between half of it and all of it, so that
    /// units do not retry in step.
    fn delay(&self, failures: u32, spread: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let whole = self.first.saturating_mul(1 << doublings).min(self.max);
        whole.mul_f64(spread.clamp(0.0, 1.0).mul_add(0.5, 0.5))
    }
}

/// Decides whether a request may be sent to a sink. All its shards share one breaker. The time is a parameter.
#[derive(Debug)]
pub(crate) struct Breaker {
    backoff: Backoff,
    failures: u32,
    /// The end of the current wait.
    closed_until: Option<Instant>,
    /// The end of the sink's `Retry-After`. It is respected even if another request succeeds in the meantime.
    retry_after_until: Option<Instant>,
    is_probing: bool,
}

/// What a shard may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    Go,
    /// Ask again at this time.
    Wait(Instant),
    /// Another shard is probing the sink: ask again when it has finished.
    WaitForProbe,
}

impl Breaker {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, failures: 0, closed_until: None, retry_after_until: None, is_probing: false }
    }

    pub(crate) fn ask(&mut self, now: Instant) -> Permit {
        if let Some(until) = self.closed_until.max(self.retry_after_until).filter(|until| *until > now) {
            return Permit::Wait(until);
        }
        if !self.is_broken() {
            return Permit::Go;
        }
        if self.is_probing {
            return Permit::WaitForProbe;
        }
        self.is_probing = true;
        Permit::Go
    }

    /// Records that the sink decided about a request, whether it accepted it or not. Returns whether the sink had failed.
    pub(crate) fn succeed(&mut self) -> bool {
        let was_broken = self.is_broken();
        *self = Self { retry_after_until: self.retry_after_until, ..Self::new(self.backoff) };
        was_broken
    }

    /// Records that the sink failed or asked for a later retry. Returns whether it is now considered failing.
    pub(crate) fn fail(&mut self, now: Instant, retry_after: Option<Duration>, spread: f64) -> bool {
        let was_broken = self.is_broken();
        self.is_probing = false;
        if let Some(retry_after) = retry_after {
            self.retry_after_until = self.retry_after_until.max(Some(now + retry_after.min(MAX_RETRY_AFTER)));
        }
        // Requests that were in flight together fail together, which counts as one failure.
        if self.closed_until.is_none_or(|until| until <= now) {
            self.failures = self.failures.saturating_add(1);
            self.closed_until = Some(now + self.backoff.delay(self.failures, spread));
        }
        self.is_broken() && !was_broken
    }

    fn is_broken(&self) -> bool {
        self.failures >= self.backoff.breaks_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Breaker {
        Breaker::new(Backoff { first: SECOND, max: 10 * SECOND, breaks_after: 2 })
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        let Breaker { backoff, .. } = breaker();
        let delays: Vec<_> = (1..=6).map(|failures| backoff.delay(failures, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.delay(2, 0.0), SECOND);
        assert_eq!(backoff.delay(u32::MAX, 1.0), 10 * SECOND);
    }

    #[test]
    fn one_shard_probes_for_all_after_failures_in_a_row() {
        let (mut breaker, begun) = (breaker(), Instant::now());
        assert!(!breaker.fail(begun, None, 1.0));
        assert_eq!(breaker.ask(begun), Permit::Wait(begun + SECOND));
        let later = begun + SECOND;
        assert_eq!([breaker.ask(later), breaker.ask(later)], [Permit::Go, Permit::Go]);
        assert!(breaker.fail(later, None, 1.0));
        let probe = later + 2 * SECOND;
        assert_eq!(breaker.ask(later), Permit::Wait(probe));
        assert_eq!([breaker.ask(probe), breaker.ask(probe)], [Permit::Go, Permit::WaitForProbe]);
        assert!(breaker.succeed());
        assert_eq!([breaker.ask(probe), breaker.ask(probe)], [Permit::Go, Permit::Go]);
        assert!(!breaker.succeed());
    }

    #[test]
    fn concurrent_failures_count_as_one() {
        let (mut breaker, begun) = (breaker(), Instant::now());
        for _ in 0..4 {
            assert!(!breaker.fail(begun, None, 1.0));
        }
        assert_eq!(breaker.ask(begun), Permit::Wait(begun + SECOND));
    }

    #[test]
    fn retry_after_is_respected() {
        let (mut breaker, begun) = (breaker(), Instant::now());
        breaker.fail(begun, Some(90 * SECOND), 0.0);
        breaker.fail(begun + SECOND, None, 0.0);
        // This request was already in flight.
        breaker.succeed();
        assert_eq!(breaker.ask(begun + 2 * SECOND), Permit::Wait(begun + 90 * SECOND));
        assert_eq!(breaker.ask(begun + 90 * SECOND), Permit::Go);
        breaker.fail(begun, Some(Duration::MAX), 0.0);
        assert_eq!(breaker.ask(begun), Permit::Wait(begun + MAX_RETRY_AFTER));
    }
}
