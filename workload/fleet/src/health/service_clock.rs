//! The hub's clock without the time in which no unit accepted heartbeats.
//!
//! A cluster must not be late because of an outage of the hub. So silence is measured on a clock that stops during
//! outages. Every unit that accepts heartbeats updates a shared row every few seconds; a gap between two updates that is
//! longer than [`ServiceClock::GRACE`] is an outage and is added to a total.

use time::{Duration, OffsetDateTime};

/// A time on the service clock. The difference between two times is time in which the hub accepted heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceTime(OffsetDateTime);

/// The service clock as the database has it at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceClock {
    /// The database's wall clock.
    pub now: OffsetDateTime,
    /// When a unit last recorded that it accepts heartbeats.
    pub accepting_until: OffsetDateTime,
    /// The total of all outages so far.
    pub outage_total: Duration,
}

impl ServiceTime {
    /// A time from the database.
    pub const fn from_stored(reading: OffsetDateTime) -> Self {
        Self(reading)
    }

    /// The time as the database stores it.
    pub const fn to_stored(self) -> OffsetDateTime {
        self.0
    }

    /// The time since an earlier time, never negative.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).max(Duration::ZERO)
    }
}

impl ServiceClock {
    /// The longest gap between two updates that is not an outage: longer than a restart and than three updates, much
    /// shorter than the silence after which a cluster is late.
    pub const GRACE: Duration = Duration::seconds(15);

    /// The present time on the service clock. It does not advance during an outage.
    pub fn read(&self) -> ServiceTime {
        let time = if self.is_outage() { self.accepting_until } else { self.now };
        ServiceTime(time - self.outage_total)
    }

    /// Whether no unit has accepted heartbeats for longer than [`Self::GRACE`].
    pub fn is_outage(&self) -> bool {
        self.now - self.accepting_until > Self::GRACE
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const T: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn clock(now: i64, accepting_until: i64, outages: i64) -> ServiceClock {
        ServiceClock {
            now: T + Duration::seconds(now),
            accepting_until: T + Duration::seconds(accepting_until),
            outage_total: Duration::seconds(outages),
        }
    }

    #[test]
    fn advances_with_the_wall_clock_while_a_unit_accepts() {
        assert_eq!(clock(100, 95, 0).read().since(clock(40, 40, 0).read()), Duration::seconds(60));
    }

    #[test]
    fn stops_during_an_outage_and_continues_after_it() {
        let before = clock(100, 100, 0).read();
        assert_eq!(clock(700, 100, 0).read().since(before), Duration::ZERO);
        assert_eq!(clock(710, 700, 600).read().since(before), Duration::seconds(10));
    }

    #[test]
    fn never_goes_back() {
        assert_eq!(clock(10, 10, 0).read().since(clock(20, 20, 0).read()), Duration::ZERO);
    }
}
