//! Gathers batches from expositions. Pure: the time is a parameter, and finished batches go to an [`Output`].
//!
//! A shard carries all series of some members, in order. A batch gathers series of many members and contains each series
//! once, so that a sink can accept or refuse it as a whole.

mod gathering;
mod reading;

use std::collections::HashSet;
use std::time::Duration;

use protocol::ClusterName;

use crate::counts::{Cause, RelayCounts};
use crate::excess::{Budget, Excess};
use crate::filter::{Judge, Rules};
use crate::intake::{Exposition, Received};
use crate::known::Comparison;
use crate::labels::{JobLabel, Origin};
use crate::members::Members;
use crate::pace::Paces;
use crate::remote_write::Batch;
use crate::service::Service;
use crate::time::UnixMillis;
use gathering::Gatherings;
use reading::{LeftOut, Outcome, Reading};

/// How far a sample's own timestamp may be ahead of the time of receipt. One cluster's wrong clock must not make the other
/// clusters' samples look old to a sink.
const MAX_AHEAD: Duration = Duration::from_mins(10);
/// How far it may be behind. Sinks rarely accept older samples.
const MAX_BEHIND: Duration = Duration::from_hours(1);
/// How long a cluster is kept in memory after its last report to this unit.
const FORGET_AFTER: Duration = Duration::from_hours(1);

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
    /// The most series of one cluster that are relayed. Of a cluster with more, those that are already relayed go on.
    pub max_cluster_series: usize,
    /// The most bytes of memory for the series that each member exposed last, of all clusters: about 25 per series.
    pub max_known_bytes: usize,
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
            max_batch_bytes: 1024 * 1024,
            max_cluster_series: 128_000,
            max_known_bytes: 32_000_000,
            linger: Duration::from_secs(1),
            silent_after: Duration::from_mins(5),
        }
    }
}

/// Where finished batches go.
pub(crate) trait Output {
    /// Accepts a finished batch of a shard. It contains series of one cluster only if it has an owner.
    fn push(&mut self, shard: u16, batch: Batch, owner: Option<&ClusterName>);

    /// All samples of the expositions with these numbers have been pushed.
    fn complete(&mut self, expositions: &[u64]);
}

pub(crate) struct Packer {
    packing: Packing,
    judge: Judge,
    members: Members,
    paces: Paces,
    gatherings: Gatherings,
    counts: RelayCounts,
    excess: Excess,
    plain: Vec<u8>,
    comparison: Comparison,
}

impl Packer {
    pub(crate) fn new(packing: Packing, counts: RelayCounts, excess: Excess) -> Self {
        Self {
            judge: Judge::new(packing.rules.clone()),
            members: Members::new(packing.max_known_bytes),
            paces: Paces::default(),
            gatherings: Gatherings::new(packing.shards),
            packing,
            counts,
            excess,
            plain: Vec::new(),
            comparison: Comparison::default(),
        }
    }

    /// Parses an exposition, and ends the series that it no longer contains. Full batches go to the output; the rest waits
    /// for more, or for [`Self::flush`]. If the exposition has a number, the output is notified when all of it was pushed.
    pub(crate) fn read(&mut self, received: Received, out: &mut impl Output) {
        let Received { exposition, number, report } = received;
        let Exposition { cluster, member, service, received, escaped } = exposition;
        let groups = &self.packing.rules.groups;
        let origin = Origin::new(&cluster, &member, self.packing.job);
        let new = || Service::new(origin.clone(), groups.len());
        let Some(id) = self.members.find(&cluster, &member, &service, new) else {
            return self.counts.drop_expositions(1, Cause::TooManyMembers);
        };
        self.counts.read_exposition();
        let owner = self.paces.note(&cluster, escaped.len(), received).then_some(&cluster);
        let gathering = self.gatherings.of_member(&origin, owner, &self.counts, out);
        let at = self.members.receive(&cluster, id, received, report);
        let due = self.members.get(id).map(|service| service.due(groups, at)).unwrap_or_default();
        let known = self.members.take_known(&cluster, id);
        self.comparison.begin(&known);
        let reading = Reading {
            cluster: &cluster,
            origin: &origin,
            at,
            plausible: at.minus(MAX_BEHIND)..=at.plus(MAX_AHEAD),
            relayed: vec![false; due.len()],
            due,
            other_series: self.members.series(&cluster),
            known: &known,
            known_bytes: known.bytes(),
            has_room: true,
            newest_of_its_own: None,
            left_out: LeftOut::default(),
            packing: &self.packing,
            judge: &mut self.judge,
            members: &mut self.members,
            comparison: &mut self.comparison,
            gathering: &mut *gathering,
            counts: &self.counts,
        };
        let Outcome { relayed, newest_of_its_own, left_out } = reading.read(&escaped, &mut self.plain, out);
        drop(escaped);
        let mut end_at = at;
        if let Some(service) = self.members.get(id) {
            service.relayed(&relayed, at);
            service.newest_of_its_own = service.newest_of_its_own.max(newest_of_its_own);
            end_at = service.end_stamp(at);
        }
        let series = known.count() - self.comparison.ended(&known) + self.comparison.added();
        left_out.count(&self.counts);
        if left_out.too_many > 0 {
            self.excess.note(&cluster, Budget::Series);
        }
        self.counts.not_remembered(self.comparison.forgotten());
        let members = &self.members;
        let known = self.comparison.finish(known, |series, labels| {
            if !members.is_known(&cluster, &origin, series) {
                gathering.end(&origin, labels, end_at, &self.packing, &self.counts, out);
            }
        });
        self.members.remember(&cluster, id, known, series);
        self.counts.set_known_bytes(self.members.known_bytes());
        gathering.complete(&origin, number, out);
    }

    /// Ends the series of the members that were not in the report with this number, all of which was read. Reports of a
    /// cluster are numbered in ascending order; 0 is for an exposition without a report.
    pub(crate) fn complete(
        &mut self,
        cluster: &ClusterName,
        report: u64,
        at: UnixMillis,
        out: &mut impl Output,
    ) {
        let absent = self.members.remove_absent(cluster, report);
        self.end_series(cluster, absent, at, out);
    }

    /// Ends all series of a cluster and removes it from memory.
    pub(crate) fn end(&mut self, cluster: &ClusterName, at: UnixMillis, out: &mut impl Output) {
        let services = self.members.remove(cluster);
        self.end_series(cluster, services, at, out);
    }

    /// Ends the series of members that their clusters no longer report, and removes clusters that have not reported to this
    /// unit for long.
    pub(crate) fn sweep(&mut self, now: UnixMillis, out: &mut impl Output) {
        for (cluster, services) in self.members.remove_silent(self.packing.silent_after) {
            self.end_series(&cluster, services, now, out);
        }
        self.members.forget_before(now.minus(FORGET_AFTER));
        self.paces.sweep(now);
        self.counts.set_over_budget(self.excess.sweep());
    }

    /// Ends the series of services that were removed, except for those that another service of the same member has.
    fn end_series(
        &mut self,
        cluster: &ClusterName,
        services: Vec<Service>,
        at: UnixMillis,
        out: &mut impl Output,
    ) {
        let owner = self.paces.has_own_batches(cluster, at).then_some(cluster);
        let mut ended = HashSet::new();
        for mut service in services {
            let stamp = service.stamp(at);
            let at = service.end_stamp(stamp);
            let Service { origin, known, .. } = service;
            let gathering = self.gatherings.of_member(&origin, owner, &self.counts, out);
            known.for_each(|labels| {
                let series = self.comparison.fingerprint(labels);
                if !self.members.is_known(cluster, &origin, series) && ended.insert(series) {
                    gathering.end(&origin, labels, at, &self.packing, &self.counts, out);
                }
            });
        }
        self.counts.set_known_bytes(self.members.known_bytes());
    }

    /// Pushes everything that was gathered.
    pub(crate) fn flush(&mut self, out: &mut impl Output) {
        self.gatherings.seal(&self.counts, out);
    }

    /// Whether anything waits for [`Self::flush`].
    pub(crate) fn is_gathering(&self) -> bool {
        self.gatherings.is_gathering()
    }

    /// The clusters that last reported before this time.
    pub(crate) fn silent_since(&self, time: UnixMillis) -> Vec<ClusterName> {
        self.members.silent_since(time)
    }
}

fn shard_of(origin: &Origin, shards: usize) -> usize {
    origin.hash() as usize % shards
}

#[cfg(test)]
mod ends;
#[cfg(test)]
mod tests;
