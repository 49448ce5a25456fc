//! When to try again, and whether to try at all.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that a sink may ask us to stay away: what it asks for beyond that is a mistake, or we are not wanted.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How long to wait between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure. It doubles with every further one.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
    /// After so many failures in a row only one request at a time is tried, until one is answered well.
    pub breaks_after: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), most: Duration::from_secs(30), breaks_after: 5 }
    }
}

impl Backoff {
    /// The wait after this many failures in a row. `spread`, from 0 to 1, chooses between half of it and all, so that
    /// units do not come back in step.
    fn delay(&self, failures: u32, spread: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let whole = self.first.saturating_mul(1 << doublings).min(self.most);
        whole.mul_f64(spread.clamp(0.0, 1.0).mul_add(0.5, 0.5))
    }
}

/// Whether a sink is asked at all. All its lanes share one. It is told the time.
#[derive(Debug)]
pub(crate) struct Breaker {
    backoff: Backoff,
    failures: u32,
    /// Our own patience.
    closed_until: Option<Instant>,
    /// What the sink asked for. It holds even if another request is answered well meanwhile.
    unwanted_until: Option<Instant>,
    is_probing: bool,
}

/// What a lane may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    Go,
    /// Ask again then.
    Wait(Instant),
    /// Another lane is trying: ask again when it knows.
    WaitForProbe,
}

impl Breaker {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, failures: 0, closed_until: None, unwanted_until: None, is_probing: false }
    }

    pub(crate) fn ask(&mut self, now: Instant) -> Permit {
        if let Some(until) = self.closed_until.max(self.unwanted_until).filter(|until| *until > now) {
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

    /// The sink answered for itself, well or not: it is there. Says whether that is news.
    pub(crate) fn succeed(&mut self) -> bool {
        let was_broken = self.is_broken();
        *self = Self { unwanted_until: self.unwanted_until, ..Self::new(self.backoff) };
        was_broken
    }

    /// It did not, or wants to be left alone for a while. Says whether that is news.
    pub(crate) fn fail(&mut self, now: Instant, retry_after: Option<Duration>, spread: f64) -> bool {
        let was_broken = self.is_broken();
        self.is_probing = false;
        if let Some(wanted) = retry_after {
            self.unwanted_until = self.unwanted_until.max(Some(now + wanted.min(LONGEST_RETRY_AFTER)));
        }
        // Requests that were under way together fail together: that is one failure.
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
        Breaker::new(Backoff { first: SECOND, most: 10 * SECOND, breaks_after: 2 })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let Breaker { backoff, .. } = breaker();
        let delays: Vec<_> = (1..=6).map(|failures| backoff.delay(failures, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.delay(2, 0.0), SECOND);
        assert_eq!(backoff.delay(u32::MAX, 1.0), 10 * SECOND);
    }

    #[test]
    fn one_lane_tries_for_all_after_failures_in_a_row() {
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
    fn what_fails_together_is_one_failure() {
        let (mut breaker, begun) = (breaker(), Instant::now());
        for _ in 0..4 {
            assert!(!breaker.fail(begun, None, 1.0));
        }
        assert_eq!(breaker.ask(begun), Permit::Wait(begun + SECOND));
    }

    #[test]
    fn a_sink_is_left_alone_for_as_long_as_it_wants() {
        let (mut breaker, begun) = (breaker(), Instant::now());
        breaker.fail(begun, Some(90 * SECOND), 0.0);
        breaker.fail(begun + SECOND, None, 0.0);
        // One that was under way already.
        breaker.succeed();
        assert_eq!(breaker.ask(begun + 2 * SECOND), Permit::Wait(begun + 90 * SECOND));
        assert_eq!(breaker.ask(begun + 90 * SECOND), Permit::Go);
        breaker.fail(begun, Some(Duration::MAX), 0.0);
        assert_eq!(breaker.ask(begun), Permit::Wait(begun + LONGEST_RETRY_AFTER));
    }
}
