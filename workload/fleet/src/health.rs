//! Fresh, late or lost: judged by the hub's clock, from the heartbeats alone.
//!
//! The expected interval is the median of the last gaps between heartbeats, at least a minute: the interval is
//! configured on the cluster and not sent. A cluster is late after two expected intervals and lost after five, but not
//! before the floors in [`HealthRules`].

pub mod history;
pub mod service_clock;
pub mod trend;
pub mod warning;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{ServiceClock, ServiceTime};

/// How recently a cluster sent a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthState {
    /// It sends heartbeats as expected.
    Fresh,
    /// It has not sent a heartbeat for longer than expected.
    Late,
    /// It has not sent a heartbeat for so long that it must be assumed unreachable.
    Lost,
}

/// The health that every page, response and metric shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The state.
    pub state: HealthState,
    /// Since when the cluster is in this state.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// The reasons as text; empty if fresh.
    pub reasons: Vec<String>,
}

/// When a cluster sent heartbeats.
#[derive(Debug, Clone, PartialEq)]
pub struct Liveness {
    /// The last heartbeat, if there was one.
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// The last heartbeat, or the join before the first, on the service clock.
    pub heard_at: ServiceTime,
    /// The gaps between its last heartbeats.
    pub recent_gaps: RecentGaps,
    /// The state that was last recorded, and since when it has lasted.
    pub recorded: (HealthState, OffsetDateTime),
}

/// The gaps between a cluster's last heartbeats, oldest first, at most [`RecentGaps::MAX_GAPS`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecentGaps(Vec<Duration>);

/// How long a cluster may be silent. The floors are settings (`HEALTH_LATE_SECONDS`, `HEALTH_LOST_SECONDS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthRules {
    /// No cluster is late before this much silence.
    pub late_floor: Duration,
    /// No cluster is lost before this much silence.
    pub lost_floor: Duration,
}

// === impl HealthState ===

impl HealthState {
    /// All states, best first.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Late, Self::Lost];

    /// The state as a word, as in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Lost => "lost",
        }
    }

    /// The state as a number: 0 fresh, 1 late, 2 lost.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Fresh => 0,
            Self::Late => 1,
            Self::Lost => 2,
        }
    }

    /// The state from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

// === impl RecentGaps ===

impl RecentGaps {
    /// The number of gaps that count.
    pub const MAX_GAPS: usize = 8;
    /// The shortest interval that is expected: the default of MicroCloud.
    pub const MIN_INTERVAL: Duration = Duration::MINUTE;

    /// Takes gaps, oldest first. Only the newest [`Self::MAX_GAPS`] count.
    pub fn new(gaps: impl IntoIterator<Item = Duration>) -> Self {
        let mut gaps: Vec<_> = gaps.into_iter().collect();
        let surplus = gaps.len().saturating_sub(Self::MAX_GAPS);
        Self(gaps.split_off(surplus))
    }

    /// The expected interval between two heartbeats.
    pub fn expected_interval(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let upper = sorted.len() / 2;
        let median = match (sorted.get(upper), sorted.len() % 2) {
            (Some(upper_half), 0) => (sorted[upper - 1] + *upper_half) / 2,
            (Some(middle), _) => *middle,
            (None, _) => Duration::ZERO,
        };
        median.max(Self::MIN_INTERVAL)
    }
}

// === impl HealthRules ===

impl Default for HealthRules {
    /// Late not before 2 minutes, lost not before 5.
    fn default() -> Self {
        Self { late_floor: Duration::minutes(2), lost_floor: Duration::minutes(5) }
    }
}

impl HealthRules {
    /// The silence after which a cluster with this expected interval is late.
    pub fn late_after(&self, expected: Duration) -> Duration {
        self.late_floor.max(expected * 2)
    }

    /// The silence after which such a cluster is lost; never less than that for late.
    pub fn lost_after(&self, expected: Duration) -> Duration {
        self.lost_floor.max(expected * 5).max(self.late_after(expected))
    }

    /// The state of a cluster with this expected interval after this much silence.
    pub fn state(&self, silence: Duration, expected: Duration) -> HealthState {
        if silence <= self.late_floor {
            // Almost all clusters end here, without a look at their interval.
            HealthState::Fresh
        } else if silence > self.lost_after(expected) {
            HealthState::Lost
        } else if silence > self.late_after(expected) {
            HealthState::Late
        } else {
            HealthState::Fresh
        }
    }

    /// Judges one cluster.
    pub fn judge(&self, liveness: &Liveness, clock: &ServiceClock) -> Health {
        let expected = liveness.recent_gaps.expected_interval();
        let silence = clock.read().since(liveness.heard_at);
        let state = self.state(silence, expected);
        let limit = match state {
            HealthState::Fresh => None,
            HealthState::Late => Some(self.late_after(expected)),
            HealthState::Lost => Some(self.lost_after(expected)),
        };
        let (recorded_state, recorded_since) = liveness.recorded;
        let since = match limit {
            _ if state == recorded_state => recorded_since,
            Some(limit) => clock.now - (silence - limit),
            None => liveness.last_heartbeat_at.unwrap_or(clock.now),
        };
        let reasons = match limit {
            None => vec![],
            Some(_) => vec![reason(liveness, silence, expected)],
        };
        Health { state, since, reasons }
    }
}

fn reason(liveness: &Liveness, silence: Duration, expected: Duration) -> String {
    let (silence, expected) = (in_words(silence), in_words(expected));
    if liveness.last_heartbeat_at.is_some() {
        format!("no heartbeat for {silence} (expected every {expected})")
    } else {
        format!("no heartbeat since it joined {silence} ago (expected every {expected})")
    }
}

/// A duration in its two largest units: `45 s`, `3 min 20 s`, `2 h`, `5 d 4 h`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.whole_seconds().max(0);
    let units = [
        ("d", seconds / 86_400),
        ("h", seconds / 3600 % 24),
        ("min", seconds / 60 % 60),
        ("s", seconds % 60),
    ];
    let Some(first) = units.iter().position(|(_, amount)| *amount > 0) else { return "0 s".to_owned() };
    let shown = units.iter().skip(first).take(2).filter(|(_, amount)| *amount > 0);
    shown.map(|(unit, amount)| format!("{amount} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const T: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn seconds(seconds: i64) -> Duration {
        Duration::seconds(seconds)
    }

    /// The health at `T + now` of a cluster whose last heartbeat came at `T`.
    fn judged(gaps: &[i64], now: i64) -> Health {
        judged_with_outage(gaps, now, 0)
    }

    fn judged_with_outage(gaps: &[i64], now: i64, outage: i64) -> Health {
        let liveness = Liveness {
            last_heartbeat_at: Some(T),
            heard_at: ServiceTime::from_stored(T),
            recent_gaps: RecentGaps::new(gaps.iter().map(|gap| seconds(*gap))),
            recorded: (HealthState::Fresh, T - Duration::DAY),
        };
        let now = T + seconds(now);
        HealthRules::default()
            .judge(&liveness, &ServiceClock { now, accepting_until: now, outage_total: seconds(outage) })
    }

    #[test]
    fn default_interval_is_late_after_two_minutes_and_lost_after_five() {
        for (silence, state) in [
            (0, HealthState::Fresh),
            (120, HealthState::Fresh),
            (121, HealthState::Late),
            (300, HealthState::Late),
            (301, HealthState::Lost),
        ] {
            assert_eq!(judged(&[60; 8], silence).state, state, "after {silence} s");
        }
    }

    #[test]
    fn longer_interval_is_late_and_lost_later() {
        let every_ten_minutes = [600; 8];
        assert_eq!(judged(&every_ten_minutes, 1200).state, HealthState::Fresh);
        assert_eq!(judged(&every_ten_minutes, 1201).state, HealthState::Late);
        assert_eq!(judged(&every_ten_minutes, 3001).state, HealthState::Lost);
    }

    #[test]
    fn single_long_gap_does_not_change_the_expected_interval() {
        assert_eq!(judged(&[60, 60, 60, 9000, 60, 60, 60, 60], 121).state, HealthState::Late);
    }

    #[test]
    fn only_the_last_eight_gaps_count() {
        let gaps: Vec<i64> = [[60; 8], [600; 8]].concat();
        assert_eq!(judged(&gaps, 1200).state, HealthState::Fresh);
    }

    #[test]
    fn health_has_since_and_reasons() {
        let health = judged(&[], 200);
        assert_eq!(health.since, T + seconds(120));
        assert_eq!(health.reasons, ["no heartbeat for 3 min 20 s (expected every 1 min)"]);
        assert_eq!(
            judged(&[], 10),
            Health { state: HealthState::Fresh, since: T - Duration::DAY, reasons: vec![] }
        );
    }

    #[test]
    fn outage_of_the_hub_makes_no_cluster_late() {
        assert_eq!(judged_with_outage(&[60; 8], 3600, 3500).state, HealthState::Fresh);
        assert_eq!(judged_with_outage(&[60; 8], 3600, 3400).state, HealthState::Late);
    }

    #[test]
    fn cluster_without_heartbeat_is_judged_from_its_join() {
        let liveness = Liveness {
            last_heartbeat_at: None,
            heard_at: ServiceTime::from_stored(T),
            recent_gaps: RecentGaps::default(),
            recorded: (HealthState::Fresh, T),
        };
        let now = T + seconds(150);
        let clock = ServiceClock { now, accepting_until: now, outage_total: Duration::ZERO };
        let health = HealthRules::default().judge(&liveness, &clock);
        assert_eq!(health.state, HealthState::Late);
        assert_eq!(health.reasons, ["no heartbeat since it joined 2 min 30 s ago (expected every 1 min)"]);
    }

    #[test]
    fn durations_have_their_two_largest_units() {
        for (amount, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (7200, "2 h"),
            (446_400, "5 d 4 h"),
        ] {
            assert_eq!(in_words(seconds(amount)), words);
        }
    }

    proptest! {
        #[test]
        fn more_silence_never_improves_the_state(gaps in prop::collection::vec(0i64..100_000, 0..12), a in 0i64..1_000_000, b in 0i64..1_000_000) {
            prop_assert!(judged(&gaps, a.min(b)).state <= judged(&gaps, a.max(b)).state);
        }
    }
}
