//! The hub's clock less the time in which no unit was accepting heartbeats.
//!
//! A cluster must not be called late for silence that the hub itself caused. So silence is measured on a clock that
//! stands still while nobody could be heard: every accepting unit marks a shared row every few seconds; a gap between
//! two marks longer than [`ServiceClock::GRACE`] is an outage and is added to a running total.

use time::{Duration, OffsetDateTime};

/// A reading of the service clock. Differences between readings are time in which the hub could be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceTime(OffsetDateTime);

/// What the database knows of the clock at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceClock {
    /// The database's wall clock.
    pub now: OffsetDateTime,
    /// When a unit last said that it accepts heartbeats.
    pub accepting_until: OffsetDateTime,
    /// All outages so far, added up.
    pub outage_total: Duration,
}

impl ServiceTime {
    /// A reading as a database keeps it.
    pub const fn from_stored(reading: OffsetDateTime) -> Self {
        Self(reading)
    }

    /// The reading as a database keeps it.
    pub const fn to_stored(self) -> OffsetDateTime {
        self.0
    }

    /// The time that passed since an earlier reading, never negative.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).max(Duration::ZERO)
    }
}

impl ServiceClock {
    /// How long no unit may mark the row before it counts as an outage. Longer than a restart takes and three marks,
    /// much shorter than the shortest silence that makes a cluster late.
    pub const GRACE: Duration = Duration::seconds(15);

    /// The clock's reading now. It stands still while an outage lasts.
    pub fn read(&self) -> ServiceTime {
        let moment = if self.is_outage() { self.accepting_until } else { self.now };
        ServiceTime(moment - self.outage_total)
    }

    /// Whether no unit has been accepting heartbeats for longer than the grace.
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
    fn runs_with_the_wall_clock_while_a_unit_accepts() {
        assert_eq!(clock(100, 95, 0).read().since(clock(40, 40, 0).read()), Duration::seconds(60));
    }

    #[test]
    fn stands_still_during_an_outage_and_goes_on_after_it() {
        let before = clock(100, 100, 0).read();
        assert_eq!(clock(700, 100, 0).read().since(before), Duration::ZERO);
        assert_eq!(clock(710, 700, 600).read().since(before), Duration::seconds(10));
    }

    #[test]
    fn never_runs_backwards() {
        assert_eq!(clock(10, 10, 0).read().since(clock(20, 20, 0).read()), Duration::ZERO);
    }
}
