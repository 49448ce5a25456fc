//! One exposition, sample by sample.

use std::ops::RangeInclusive;

use exposition::{Parser, Pieces};
use protocol::ClusterName;

use super::gathering::Gathering;
use super::{Output, Packing};
use crate::counts::{Cause, RelayCounts};
use crate::filter::{Judge, Verdict};
use crate::known::{Comparison, KnownSeries, Occurrence};
use crate::labels::{Origin, SeriesLabel};
use crate::members::Members;
use crate::time::UnixMillis;

/// An exposition that is being read, and what it is read into.
pub(super) struct Reading<'a> {
    pub(super) cluster: &'a ClusterName,
    pub(super) origin: &'a Origin,
    /// The timestamp of its samples.
    pub(super) at: UnixMillis,
    /// Which timestamps of its own are used.
    pub(super) plausible: RangeInclusive<UnixMillis>,
    /// For each group, whether it is due, and whether samples of it were relayed.
    pub(super) due: Vec<bool>,
    pub(super) relayed: Vec<bool>,
    /// The number of series of the cluster's other expositions.
    pub(super) other_series: usize,
    /// The series of the exposition before it.
    pub(super) known: &'a KnownSeries,
    pub(super) known_bytes: usize,
    /// Whether there is memory for further new series, as far as is known.
    pub(super) has_room: bool,
    pub(super) newest_of_its_own: Option<UnixMillis>,
    pub(super) left_out: LeftOut,
    pub(super) packing: &'a Packing,
    pub(super) judge: &'a mut Judge,
    pub(super) members: &'a mut Members,
    pub(super) comparison: &'a mut Comparison,
    pub(super) gathering: &'a mut Gathering,
    pub(super) counts: &'a RelayCounts,
}

/// What became of an exposition.
pub(super) struct Outcome {
    pub(super) relayed: Vec<bool>,
    pub(super) newest_of_its_own: Option<UnixMillis>,
    pub(super) left_out: LeftOut,
}

/// How many samples of one exposition were left out.
#[derive(Default)]
pub(super) struct LeftOut {
    filtered: u64,
    not_due: u64,
    implausible: u64,
    repeated: u64,
    pub(super) too_many: u64,
}

impl Reading<'_> {
    /// Reads the text piece by piece. The buffer is kept for the next one.
    pub(super) fn read(mut self, escaped: &[u8], buffer: &mut Vec<u8>, out: &mut impl Output) -> Outcome {
        let mut pieces = Pieces::new(escaped, std::mem::take(buffer));
        while let Some(piece) = pieces.next() {
            match piece {
                Ok(parser) => self.read_piece(parser, out),
                Err(reason) => self.counts.skip_lines(reason, 1),
            }
        }
        *buffer = pieces.into_buffer();
        let Self { relayed, newest_of_its_own, left_out, .. } = self;
        Outcome { relayed, newest_of_its_own, left_out }
    }

    fn read_piece(&mut self, mut parser: Parser<'_>, out: &mut impl Output) {
        // The labels borrow from the origin and from the text.
        let origin = self.origin;
        let mut labels: Vec<SeriesLabel<'_>> = Vec::new();
        while let Some(line) = parser.next() {
            let sample = match line {
                Ok(sample) => sample,
                Err(reason) => {
                    self.counts.skip_lines(reason, 1);
                    continue;
                }
            };
            origin.series(&sample, &mut labels);
            let group = match self.judge.judge(sample.name, &labels) {
                Verdict::Always => 0,
                Verdict::Group(index) => index + 1,
                Verdict::Denied(_) | Verdict::NotAllowed => {
                    self.left_out.filtered += 1;
                    continue;
                }
            };
            let timestamp = sample.timestamp_millis.map(UnixMillis);
            if timestamp.is_some_and(|timestamp| !self.plausible.contains(&timestamp)) {
                self.left_out.implausible += 1;
                continue;
            }
            self.relay(group, &labels, sample.value, timestamp);
            self.gathering.seal_if_full(self.packing, self.counts, out);
        }
    }

    /// Adds a sample of a group to the batch, or leaves it out.
    fn relay(&mut self, group: usize, labels: &[SeriesLabel<'_>], value: f64, timestamp: Option<UnixMillis>) {
        let Self { known, known_bytes, has_room, comparison, members, cluster, left_out, .. } = self;
        let is_due = self.due[group];
        let max_new = self.packing.max_cluster_series.saturating_sub(self.other_series + known.count());
        let mut is_relayed = false;
        let at = timestamp.unwrap_or(self.at);
        self.gathering.push_if(self.origin, labels, (value, at), |written| {
            match comparison.note(known, written) {
                Occurrence::Repeated => left_out.repeated += 1,
                _ if !is_due => left_out.not_due += 1,
                Occurrence::Known => is_relayed = true,
                Occurrence::New(_) if comparison.added() >= max_new => left_out.too_many += 1,
                Occurrence::New(series) => {
                    let bytes = *known_bytes + comparison.added_bytes() + written.len();
                    *has_room = *has_room && members.has_room(cluster, bytes);
                    comparison.add(series, written, *has_room);
                    is_relayed = true;
                }
            }
            is_relayed
        });
        if is_relayed {
            self.relayed[group] = true;
            self.newest_of_its_own = self.newest_of_its_own.max(timestamp);
        }
    }
}

impl LeftOut {
    /// Counts them by cause.
    pub(super) fn count(&self, counts: &RelayCounts) {
        let Self { filtered, not_due, implausible, repeated, too_many } = *self;
        for (samples, cause) in [
            (filtered, Cause::Filtered),
            (not_due, Cause::NotDue),
            (implausible, Cause::Implausible),
            (repeated, Cause::Repeated),
            (too_many, Cause::TooMany),
        ] {
            counts.leave_out(samples, cause);
        }
    }
}
