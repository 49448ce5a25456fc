//! The state of one service of one member.

use std::time::Duration;

use crate::filter::Group;
use crate::known::KnownSeries;
use crate::labels::Origin;
use crate::time::UnixMillis;

/// The state of one service of one member.
pub(crate) struct Service {
    pub(crate) origin: Origin,
    pub(crate) last_received: UnixMillis,
    pub(crate) last_timestamp: Option<UnixMillis>,
    /// The number of the last report that it was in.
    pub(crate) last_report: u64,
    /// The newest timestamp that the exposition itself gave to a sample.
    pub(crate) newest_of_its_own: Option<UnixMillis>,
    /// The series that it exposed last and that can be ended.
    pub(crate) known: KnownSeries,
    /// The number of series that it exposed last, including those that are not known.
    pub(crate) series: usize,
    /// When each group was last relayed. The first entry is for series that are always relayed.
    relayed: Vec<Option<UnixMillis>>,
}

impl Service {
    /// A service that was not received yet. Its rules have this many groups.
    pub(crate) fn new(origin: Origin, groups: usize) -> Self {
        Self {
            origin,
            last_received: UnixMillis(i64::MIN),
            last_timestamp: None,
            last_report: 0,
            newest_of_its_own: None,
            known: KnownSeries::default(),
            series: 0,
            relayed: vec![None; groups + 1],
        }
    }

    /// Records an exposition of the report with this number. Returns the timestamp for its samples.
    pub(crate) fn receive(&mut self, received: UnixMillis, report: u64) -> UnixMillis {
        self.last_received = self.last_received.max(received);
        self.last_report = self.last_report.max(report);
        self.stamp(received)
    }

    /// Returns this time, or the earliest later one that keeps the series in order, in case the clock was set back.
    pub(crate) fn stamp(&mut self, time: UnixMillis) -> UnixMillis {
        let next = self.last_timestamp.map(|last| last.plus(Duration::from_millis(1)));
        let timestamp = next.map_or(time, |next| next.max(time));
        self.last_timestamp = Some(timestamp);
        timestamp
    }

    /// The timestamp of the end of its series at this time: later than those that the exposition itself gave.
    pub(crate) fn end_stamp(&self, at: UnixMillis) -> UnixMillis {
        self.newest_of_its_own.map_or(at, |newest| at.max(newest.plus(Duration::from_millis(1))))
    }

    /// Which groups are due at this time. The first entry is for series that are always relayed.
    pub(crate) fn due(&self, groups: &[Group], at: UnixMillis) -> Vec<bool> {
        let is_due = |(group, last): (&Group, &Option<UnixMillis>)| {
            last.is_none_or(|last| at.since(last) >= group.interval)
        };
        std::iter::once(true).chain(groups.iter().zip(&self.relayed[1..]).map(is_due)).collect()
    }

    /// Records that samples of these groups were relayed.
    pub(crate) fn relayed(&mut self, groups: &[bool], at: UnixMillis) {
        for (last, is_relayed) in self.relayed.iter_mut().zip(groups) {
            if *is_relayed {
                *last = Some(at);
            }
        }
    }
}
