//! Makes batches of expositions. Pure: it is told the time, and says which batch goes to which lane.
//!
//! A lane carries the series of some members, and keeps their order. A batch gathers the series of many members, and
//! holds each of them once, so that a sink can take or refuse it as a whole.

use std::time::Duration;

use protocol::ClusterName;

use crate::counts::{Cause, RelayCounts};
use crate::filter::{Judge, Rules, Verdict};
use crate::intake::Exposition;
use crate::labels::{JobLabel, Origin, SeriesLabel};
use crate::members::{Members, Part, Service, ServiceId};
use crate::remote_write::{Batch, BatchBuilder, Marked, Seen};
use crate::time::UnixMillis;
use exposition::{Parser, unescape};

/// How far ahead of the moment of receipt a sample's own time stamp may be. One site's wrong clock must not make a
/// sink believe that everybody else's samples are old.
const MAX_AHEAD: Duration = Duration::from_mins(10);
/// How far behind it may be: what a sink hardly ever takes.
const MAX_BEHIND: Duration = Duration::from_hours(1);
/// For how long a cluster is remembered that this unit no longer hears.
const REMEMBERED: Duration = Duration::from_hours(1);
/// A buffer that had to hold more is given back.
const KEPT_BUFFER: usize = 8 * 1024 * 1024;

/// How expositions become batches.
#[derive(Debug, Clone)]
pub struct Packing {
    /// How the label `job` is made.
    pub job: JobLabel,
    /// What is relayed, and how often.
    pub rules: Rules,
    /// How many lanes there are, at least 1: so many requests are under way to each sink at once.
    pub lanes: u16,
    /// The most samples in a batch.
    pub samples: u32,
    /// The most bytes of a batch before it is compressed; one series may go over.
    pub bytes: usize,
    /// The most samples of one exposition that are relayed: one member must not take all the room there is.
    pub most: u32,
    /// The longest that a batch waits for more series.
    pub linger: Duration,
    /// When a member's series end that its cluster no longer speaks of.
    pub silent_after: Duration,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            job: JobLabel::Name,
            rules: Rules::default(),
            lanes: 4,
            samples: 5000,
            bytes: 2 * 1024 * 1024,
            most: 500_000,
            linger: Duration::from_secs(1),
            silent_after: Duration::from_mins(5),
        }
    }
}

/// Takes a finished batch for a lane.
pub(crate) trait Take {
    fn take(&mut self, lane: u16, batch: Batch);

    /// All that came of the expositions with these numbers has been taken.
    fn complete(&mut self, expositions: &[u64]);
}

pub(crate) struct Packer {
    packing: Packing,
    judge: Judge,
    members: Members,
    lanes: Vec<Lane>,
    counts: RelayCounts,
    plain: Vec<u8>,
    seen: Seen,
}

/// A batch that is being gathered.
#[derive(Default)]
struct Lane {
    number: u16,
    builder: BatchBuilder,
    contents: Vec<Part>,
    /// The numbers of expositions whose last samples are in it.
    complete: Vec<u64>,
}

/// What was left out of one exposition.
#[derive(Default)]
struct LeftOut {
    filtered: u64,
    not_due: u64,
    implausible: u64,
    repeated: u64,
    too_many: u64,
}

impl Packer {
    pub(crate) fn new(packing: Packing, counts: RelayCounts) -> Self {
        let lane = |number| Lane { number, ..Lane::default() };
        let lanes = (0..packing.lanes.max(1)).map(lane).collect();
        let judge = Judge::new(packing.rules.clone());
        Self {
            packing,
            judge,
            members: Members::default(),
            lanes,
            counts,
            plain: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Reads an exposition. Batches that become full are handed on; the rest waits for more, or for [`Self::flush`].
    /// By its number, if it has one, it is said when all of it was handed on.
    pub(crate) fn read(&mut self, exposition: Exposition, number: Option<u64>, out: &mut impl Take) {
        let Exposition { cluster, member, service, received, escaped } = exposition;
        let groups = self.packing.rules.groups.len();
        let origin = Origin::new(&cluster, &member, self.packing.job);
        let new = || Service::new(origin.clone(), groups);
        let Some(id) = self.members.find(&cluster, member, service, new) else {
            return self.counts.drop_expositions(1, Cause::TooManyMembers);
        };
        self.counts.read_exposition();
        let lane = lane_of(&origin, self.lanes.len());
        if self.lanes[lane].holds(id) {
            self.seal(lane, out);
        }
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        unescape(&escaped, &mut plain);
        drop(escaped);
        self.pack(id, lane, &origin, received, &plain, out);
        if self.lanes[lane].holds(id) {
            self.lanes[lane].complete.extend(number);
        } else {
            out.complete(number.as_slice());
        }
        if plain.capacity() <= KEPT_BUFFER {
            self.plain = plain;
        }
    }

    fn pack(
        &mut self,
        id: ServiceId,
        lane: usize,
        origin: &Origin,
        received: UnixMillis,
        text: &[u8],
        out: &mut impl Take,
    ) {
        let Some(service) = self.members.get(id) else { return };
        let (at, exposition) = service.hear(received);
        let mut due = Vec::new();
        service.due(&self.packing.rules.groups, at, &mut due);
        let mut relayed = vec![false; due.len()];
        let plausible = at.minus(MAX_BEHIND)..=at.plus(MAX_AHEAD);
        let (mut taken, mut left_out) = (0, LeftOut::default());
        self.seen.clear();
        let mut labels: Vec<SeriesLabel<'_>> = Vec::new();
        let mut parser = Parser::new(text);
        while let Some(line) = parser.next() {
            let sample = match line {
                Ok(sample) => sample,
                Err(reason) => {
                    self.counts.pass_over(reason, 1);
                    continue;
                }
            };
            origin.series(&sample, &mut labels);
            let turn = match self.judge.judge(sample.name, &labels) {
                Verdict::Always => 0,
                Verdict::Group(index) => index + 1,
                Verdict::Denied(_) | Verdict::NotAllowed => {
                    left_out.filtered += 1;
                    continue;
                }
            };
            if !due[turn] {
                left_out.not_due += 1;
                continue;
            }
            let moment = sample.timestamp_millis.map_or(at, UnixMillis);
            if !plausible.contains(&moment) {
                left_out.implausible += 1;
                continue;
            }
            if taken == self.packing.most {
                left_out.too_many += 1;
                continue;
            }
            let lane = &mut self.lanes[lane];
            if !lane.builder.push_once(&labels, sample.value, moment, &mut self.seen) {
                left_out.repeated += 1;
                continue;
            }
            taken += 1;
            relayed[turn] = true;
            let part = lane.part(id, exposition, due.len());
            part.samples += 1;
            part.turns[turn] = true;
            if lane.is_full(&self.packing) {
                lane.seal(&mut self.members, &self.counts, out);
            }
        }
        if let Some(service) = self.members.get(id) {
            service.relayed(&relayed, at);
        }
        self.counts.leave_out(left_out.filtered, Cause::Filtered);
        self.counts.leave_out(left_out.not_due, Cause::NotDue);
        self.counts.leave_out(left_out.implausible, Cause::Implausible);
        self.counts.leave_out(left_out.repeated, Cause::Repeated);
        self.counts.leave_out(left_out.too_many, Cause::TooMany);
    }

    /// The cluster's series end: each is marked, and it is forgotten.
    pub(crate) fn end(&mut self, cluster: &ClusterName, at: UnixMillis, out: &mut impl Take) {
        self.flush(out);
        let services = self.members.remove(cluster);
        self.mark(services, at, out);
    }

    /// Ends the series of members that their clusters no longer speak of, and forgets what is long gone.
    pub(crate) fn sweep(&mut self, now: UnixMillis, out: &mut impl Take) {
        self.flush(out);
        let services = self.members.remove_silent(self.packing.silent_after);
        self.mark(services, now, out);
        self.members.forget_before(now.minus(REMEMBERED));
    }

    fn mark(&mut self, services: Vec<Service>, at: UnixMillis, out: &mut impl Take) {
        for mut service in services {
            let at = service.stamp(at);
            let lane = lane_of(&service.origin, self.lanes.len());
            let mut marked = Marked::default();
            for batch in service.batches() {
                self.lanes[lane].builder.push_ended(batch, &service.origin, at, &mut marked);
                if self.lanes[lane].is_full(&self.packing) {
                    self.seal(lane, out);
                }
            }
            self.seal(lane, out);
        }
    }

    /// Hands on whatever was gathered.
    pub(crate) fn flush(&mut self, out: &mut impl Take) {
        for lane in 0..self.lanes.len() {
            self.seal(lane, out);
        }
    }

    /// Whether anything waits for [`Self::flush`].
    pub(crate) fn is_gathering(&self) -> bool {
        self.lanes.iter().any(|lane| lane.builder.samples() > 0)
    }

    /// The clusters that were last heard before this moment.
    pub(crate) fn silent_since(&self, moment: UnixMillis) -> Vec<ClusterName> {
        self.members.silent_since(moment)
    }

    fn seal(&mut self, lane: usize, out: &mut impl Take) {
        self.lanes[lane].seal(&mut self.members, &self.counts, out);
    }
}

impl Lane {
    fn holds(&self, service: ServiceId) -> bool {
        self.contents.iter().any(|part| part.service == service)
    }

    fn is_full(&self, packing: &Packing) -> bool {
        self.builder.samples() >= packing.samples || self.builder.bytes() >= packing.bytes
    }

    /// The part that is being gathered: always the last.
    fn part(&mut self, service: ServiceId, exposition: u64, turns: usize) -> &mut Part {
        if self.contents.last().is_none_or(|part| part.service != service) {
            self.contents.push(Part { service, exposition, samples: 0, turns: vec![false; turns] });
        }
        let last = self.contents.len() - 1;
        &mut self.contents[last]
    }

    fn seal(&mut self, members: &mut Members, counts: &RelayCounts, out: &mut impl Take) {
        let Some(batch) = self.builder.finish() else { return };
        for part in self.contents.drain(..) {
            members.keep(&batch, &part);
        }
        let samples = batch.samples;
        out.take(self.number, batch);
        out.complete(&self.complete);
        self.complete.clear();
        counts.hand_over(samples);
    }
}

fn lane_of(origin: &Origin, lanes: usize) -> usize {
    origin.hash() as usize % lanes
}

#[cfg(test)]
mod tests;
