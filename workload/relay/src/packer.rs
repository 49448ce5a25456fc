//! Gathers batches from expositions. Pure: the time is a parameter, and finished batches go to an [`Output`].
//!
//! A shard carries all series of some members, in order. A batch gathers series of many members and contains each series
//! once, so that a sink can accept or refuse it as a whole.

use std::time::Duration;

use exposition::{Parser, unescape};
use protocol::ClusterName;

use crate::counts::{Cause, RelayCounts};
use crate::filter::{Judge, Rules, Verdict};
use crate::intake::Exposition;
use crate::labels::{JobLabel, Origin, SeriesLabel};
use crate::members::{Members, Part, Service, ServiceId};
use crate::remote_write::{Batch, BatchBuilder, Marked, Seen};
use crate::time::UnixMillis;

/// How far a sample's own timestamp may be ahead of the time of receipt. One cluster's wrong clock must not make the other
/// clusters' samples look old to a sink.
const MAX_AHEAD: Duration = Duration::from_mins(10);
/// How far it may be behind. Sinks rarely accept older samples.
const MAX_BEHIND: Duration = Duration::from_hours(1);
/// How long a cluster is kept in memory after its last report to this unit.
const FORGET_AFTER: Duration = Duration::from_hours(1);
/// A buffer that grew larger than this is freed after use.
const MAX_KEPT_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// How batches are gathered from expositions.
#[derive(Debug, Clone)]
pub struct Packing {
    /// How the label `job` is derived from the cluster's name.
    pub job: JobLabel,
    /// Which series are relayed, and at which interval.
    pub rules: Rules,
    /// The number of shards, at least 1. Each sink receives up to this many requests at the same time.
    pub shards: u16,
    /// The most samples in a batch.
    pub max_batch_samples: u32,
    /// The size in bytes, before compression, at which a batch is full. Its last series may exceed it.
    pub max_batch_bytes: usize,
    /// The most samples of one exposition that are relayed, so that one member cannot fill the queues.
    pub max_exposition_samples: u32,
    /// The longest that a batch waits for more series.
    pub linger: Duration,
    /// How long after its last exposition a member's series end while its cluster still reports.
    pub silent_after: Duration,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            job: JobLabel::Name,
            rules: Rules::default(),
            shards: 4,
            max_batch_samples: 5000,
            max_batch_bytes: 2 * 1024 * 1024,
            max_exposition_samples: 500_000,
            linger: Duration::from_secs(1),
            silent_after: Duration::from_mins(5),
        }
    }
}

/// Where finished batches go.
pub(crate) trait Output {
    /// Accepts a finished batch of a shard.
    fn push(&mut self, shard: u16, batch: Batch);

    /// All samples of the expositions with these numbers have been pushed.
    fn complete(&mut self, expositions: &[u64]);
}

pub(crate) struct Packer {
    packing: Packing,
    judge: Judge,
    members: Members,
    gathering: Vec<Gathering>,
    counts: RelayCounts,
    plain: Vec<u8>,
    seen: Seen,
}

/// The batch of one shard that is being gathered.
#[derive(Default)]
struct Gathering {
    shard: u16,
    builder: BatchBuilder,
    contents: Vec<Part>,
    /// The numbers of the expositions whose last samples are in the batch.
    complete: Vec<u64>,
}

/// How many samples of one exposition were left out.
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
        let gathering = |shard| Gathering { shard, ..Gathering::default() };
        let gathering = (0..packing.shards.max(1)).map(gathering).collect();
        let judge = Judge::new(packing.rules.clone());
        Self {
            packing,
            judge,
            members: Members::default(),
            gathering,
            counts,
            plain: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Parses an exposition. Full batches go to the output; the rest waits for more, or for [`Self::flush`]. If the
    /// exposition has a number, the output is notified when all of it was pushed.
    pub(crate) fn read(&mut self, exposition: Exposition, number: Option<u64>, out: &mut impl Output) {
        let Exposition { cluster, member, service, received, escaped } = exposition;
        let groups = self.packing.rules.groups.len();
        let origin = Origin::new(&cluster, &member, self.packing.job);
        let new = || Service::new(origin.clone(), groups);
        let Some(id) = self.members.find(&cluster, member, service, new) else {
            return self.counts.drop_expositions(1, Cause::TooManyMembers);
        };
        self.counts.read_exposition();
        let shard = shard_of(&origin, self.gathering.len());
        if self.gathering[shard].contains(id) {
            self.seal(shard, out);
        }
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        unescape(&escaped, &mut plain);
        drop(escaped);
        self.pack(id, shard, &origin, received, &plain, out);
        if self.gathering[shard].contains(id) {
            self.gathering[shard].complete.extend(number);
        } else {
            out.complete(number.as_slice());
        }
        if plain.capacity() <= MAX_KEPT_BUFFER_BYTES {
            self.plain = plain;
        }
    }

    fn pack(
        &mut self,
        id: ServiceId,
        shard: usize,
        origin: &Origin,
        received: UnixMillis,
        text: &[u8],
        out: &mut impl Output,
    ) {
        let Some(service) = self.members.get(id) else { return };
        let (at, exposition) = service.receive(received);
        let mut due = Vec::new();
        service.due(&self.packing.rules.groups, at, &mut due);
        let mut relayed = vec![false; due.len()];
        let plausible = at.minus(MAX_BEHIND)..=at.plus(MAX_AHEAD);
        let (mut packed, mut left_out) = (0, LeftOut::default());
        self.seen.clear();
        let mut labels: Vec<SeriesLabel<'_>> = Vec::new();
        let mut parser = Parser::new(text);
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
                    left_out.filtered += 1;
                    continue;
                }
            };
            if !due[group] {
                left_out.not_due += 1;
                continue;
            }
            let timestamp = sample.timestamp_millis.map_or(at, UnixMillis);
            if !plausible.contains(&timestamp) {
                left_out.implausible += 1;
                continue;
            }
            if packed == self.packing.max_exposition_samples {
                left_out.too_many += 1;
                continue;
            }
            let gathering = &mut self.gathering[shard];
            if !gathering.builder.push_once(&labels, sample.value, timestamp, &mut self.seen) {
                left_out.repeated += 1;
                continue;
            }
            packed += 1;
            relayed[group] = true;
            let part = gathering.part(id, exposition, due.len());
            part.samples += 1;
            part.groups[group] = true;
            if gathering.is_full(&self.packing) {
                gathering.seal(&mut self.members, &self.counts, out);
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

    /// Ends all series of a cluster and removes it from memory.
    pub(crate) fn end(&mut self, cluster: &ClusterName, at: UnixMillis, out: &mut impl Output) {
        self.flush(out);
        let services = self.members.remove(cluster);
        self.end_series(services, at, out);
    }

    /// Ends the series of members that their clusters no longer report, and removes clusters that have not reported to this
    /// unit for long.
    pub(crate) fn sweep(&mut self, now: UnixMillis, out: &mut impl Output) {
        self.flush(out);
        let services = self.members.remove_silent(self.packing.silent_after);
        self.end_series(services, now, out);
        self.members.forget_before(now.minus(FORGET_AFTER));
    }

    fn end_series(&mut self, services: Vec<Service>, at: UnixMillis, out: &mut impl Output) {
        for mut service in services {
            let at = service.stamp(at);
            let shard = shard_of(&service.origin, self.gathering.len());
            let mut marked = Marked::default();
            for batch in service.batches() {
                self.gathering[shard].builder.push_ended(batch, &service.origin, at, &mut marked);
                if self.gathering[shard].is_full(&self.packing) {
                    self.seal(shard, out);
                }
            }
            self.seal(shard, out);
        }
    }

    /// Pushes everything that was gathered.
    pub(crate) fn flush(&mut self, out: &mut impl Output) {
        for shard in 0..self.gathering.len() {
            self.seal(shard, out);
        }
    }

    /// Whether anything waits for [`Self::flush`].
    pub(crate) fn is_gathering(&self) -> bool {
        self.gathering.iter().any(|gathering| gathering.builder.samples() > 0)
    }

    /// The clusters that last reported before this time.
    pub(crate) fn silent_since(&self, time: UnixMillis) -> Vec<ClusterName> {
        self.members.silent_since(time)
    }

    fn seal(&mut self, shard: usize, out: &mut impl Output) {
        self.gathering[shard].seal(&mut self.members, &self.counts, out);
    }
}

impl Gathering {
    fn contains(&self, service: ServiceId) -> bool {
        self.contents.iter().any(|part| part.service == service)
    }

    fn is_full(&self, packing: &Packing) -> bool {
        self.builder.samples() >= packing.max_batch_samples || self.builder.bytes() >= packing.max_batch_bytes
    }

    /// The part of this service, which is always the last one.
    fn part(&mut self, service: ServiceId, exposition: u64, groups: usize) -> &mut Part {
        if self.contents.last().is_none_or(|part| part.service != service) {
            self.contents.push(Part { service, exposition, samples: 0, groups: vec![false; groups] });
        }
        let last = self.contents.len() - 1;
        &mut self.contents[last]
    }

    fn seal(&mut self, members: &mut Members, counts: &RelayCounts, out: &mut impl Output) {
        let Some(batch) = self.builder.finish() else { return };
        for part in self.contents.drain(..) {
            members.keep(&batch, &part);
        }
        let samples = batch.samples;
        out.push(self.shard, batch);
        out.complete(&self.complete);
        self.complete.clear();
        counts.queue(samples);
    }
}

fn shard_of(origin: &Origin, shards: usize) -> usize {
    origin.hash() as usize % shards
}

#[cfg(test)]
mod tests;
