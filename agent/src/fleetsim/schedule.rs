//! The times at which heartbeats are due in an open loop, whatever the outcome of earlier ones.

use std::time::Duration;

/// Heartbeats at a constant rate, after a ramp in which the rate grows linearly from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Heartbeats per second.
    rate: f64,
    /// The length of the ramp in seconds.
    ramp: f64,
}

impl Schedule {
    pub(super) fn new(rate: f64, ramp_up: Duration) -> Self {
        Self { rate, ramp: ramp_up.as_secs_f64() }
    }

    /// The time after the start at which the heartbeat with this number, from 0, is due.
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

    /// The number of heartbeats that are due before this time after the start.
    pub(super) fn due_before(&self, time: Duration) -> u64 {
        let (mut low, mut high) = (0, 1);
        while self.due(high) < time {
            (low, high) = (high, high * 2);
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.due(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_rate_is_evenly_spread() {
        let schedule = Schedule::new(4.0, Duration::ZERO);
        let due: Vec<_> = (0..4).map(|n| schedule.due(n).as_millis()).collect();
        assert_eq!(due, [0, 250, 500, 750]);
    }

    #[test]
    fn due_heartbeats_are_counted() {
        for (rate, ramp) in [(4.0, 0), (100.0, 10), (0.5, 3)] {
            let schedule = Schedule::new(rate, Duration::from_secs(ramp));
            for seconds in [0, 1, 7, 60] {
                let time = Duration::from_secs(seconds);
                let counted = (0..10_000).take_while(|n| schedule.due(*n) < time).count() as u64;
                assert_eq!(schedule.due_before(time), counted, "{rate}/s, {seconds} s");
            }
        }
    }

    #[test]
    fn ramp_sends_half_as_many_and_reaches_the_constant_rate() {
        let schedule = Schedule::new(100.0, Duration::from_secs(10));
        assert_eq!(schedule.due(500), Duration::from_secs(10));
        assert_eq!(schedule.due(600), Duration::from_secs(11));
        let gaps: Vec<_> =
            (0..499).map(|n| schedule.due(n + 1).checked_sub(schedule.due(n)).unwrap()).collect();
        assert!(gaps.is_sorted_by(|a, b| a >= b));
    }
}
