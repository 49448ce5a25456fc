//! When each beat is due: an open loop, which goes on whatever became of the beats before.

use std::time::Duration;

/// Beats at a steady rate, after a ramp in which the rate grows from nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    rate: f64,
    ramp: f64,
}

impl Schedule {
    pub(super) fn new(rate: f64, ramp_up: Duration) -> Self {
        Self { rate, ramp: ramp_up.as_secs_f64() }
    }

    /// When the beat with this number is due, counted from the start.
    pub(super) fn due(&self, number: u64) -> Duration {
        let number = number as f64;
        let in_ramp = self.rate * self.ramp / 2.0;
        let seconds = if number < in_ramp {
            (2.0 * number * self.ramp / self.rate).sqrt()
        } else {
            self.ramp + (number - in_ramp) / self.rate
        };
        Duration::from_secs_f64(seconds)
    }

    /// How many beats are due before this moment.
    pub(super) fn due_before(&self, moment: Duration) -> u64 {
        let (mut low, mut high) = (0, 1);
        while self.due(high) < moment {
            (low, high) = (high, high * 2);
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.due(middle) < moment { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_spread_evenly() {
        let schedule = Schedule::new(4.0, Duration::ZERO);
        let due: Vec<_> = (0..4).map(|n| schedule.due(n).as_millis()).collect();
        assert_eq!(due, [0, 250, 500, 750]);
    }

    #[test]
    fn counts_what_is_due() {
        for (rate, ramp) in [(4.0, 0), (100.0, 10), (0.5, 3)] {
            let schedule = Schedule::new(rate, Duration::from_secs(ramp));
            for seconds in [0, 1, 7, 60] {
                let moment = Duration::from_secs(seconds);
                let counted = (0..10_000).take_while(|n| schedule.due(*n) < moment).count() as u64;
                assert_eq!(schedule.due_before(moment), counted, "{rate}/s, {seconds} s");
            }
        }
    }

    #[test]
    fn a_ramp_sends_half_as_many_and_meets_the_steady_rate() {
        let schedule = Schedule::new(100.0, Duration::from_secs(10));
        assert_eq!(schedule.due(500), Duration::from_secs(10));
        assert_eq!(schedule.due(600), Duration::from_secs(11));
        let gaps: Vec<_> =
            (0..499).map(|n| schedule.due(n + 1).checked_sub(schedule.due(n)).unwrap()).collect();
        assert!(gaps.is_sorted_by(|a, b| a >= b));
    }
}
