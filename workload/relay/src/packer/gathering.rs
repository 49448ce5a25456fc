//! The batches that are being gathered: one for each shard, and one for a cluster that sends much.

use protocol::ClusterName;

use super::{Output, Packing, shard_of};
use crate::counts::RelayCounts;
use crate::labels::{Origin, SeriesLabel};
use crate::remote_write::BatchBuilder;
use crate::time::UnixMillis;

/// All batches that are being gathered.
pub(super) struct Gatherings {
    shared: Vec<Gathering>,
    own: Gathering,
}

/// A batch that is being gathered.
#[derive(Default)]
pub(super) struct Gathering {
    shard: u16,
    /// The only cluster with series in the batch.
    owner: Option<ClusterName>,
    builder: BatchBuilder,
    /// The members with series in the batch.
    contents: Vec<Origin>,
    /// The numbers of the expositions whose last samples are in the batch.
    complete: Vec<u64>,
}

impl Gatherings {
    pub(super) fn new(shards: u16) -> Self {
        let shared = |shard| Gathering { shard, ..Gathering::default() };
        Self { shared: (0..shards.max(1)).map(shared).collect(), own: Gathering::default() }
    }

    /// The batch for the next exposition of a member, which contains none of its series yet. It is of the cluster alone if
    /// that is the owner.
    pub(super) fn of_member(
        &mut self,
        origin: &Origin,
        owner: Option<&ClusterName>,
        counts: &RelayCounts,
        out: &mut impl Output,
    ) -> &mut Gathering {
        let shard = shard_of(origin, self.shared.len());
        let Self { shared, own } = self;
        let shared = &mut shared[shard];
        if shared.contents.contains(origin) {
            shared.seal(counts, out);
        }
        if own.contents.contains(origin)
            || owner.is_some() && (&own.owner, own.shard) != (&owner.cloned(), shared.shard)
        {
            own.seal(counts, out);
        }
        if owner.is_none() {
            return shared;
        }
        own.owner = owner.cloned();
        own.shard = shared.shard;
        own
    }

    pub(super) fn is_gathering(&self) -> bool {
        self.shared.iter().chain([&self.own]).any(|gathering| gathering.builder.samples() > 0)
    }

    /// Pushes all batches.
    pub(super) fn seal(&mut self, counts: &RelayCounts, out: &mut impl Output) {
        self.shared.iter_mut().chain([&mut self.own]).for_each(|gathering| gathering.seal(counts, out));
    }
}

impl Gathering {
    /// Adds a sample if `decide`, which gets the labels as they are written, returns true.
    pub(super) fn push_if(
        &mut self,
        origin: &Origin,
        labels: &[SeriesLabel<'_>],
        (value, at): (f64, UnixMillis),
        decide: impl FnOnce(&[u8]) -> bool,
    ) {
        let before = self.builder.samples();
        self.builder.push_if(labels, value, at, decide);
        if self.builder.samples() > before {
            self.note(origin);
        }
    }

    /// Adds the end marker of a series.
    pub(super) fn end(
        &mut self,
        origin: &Origin,
        labels: &[u8],
        at: UnixMillis,
        packing: &Packing,
        counts: &RelayCounts,
        out: &mut impl Output,
    ) {
        self.builder.push_ended(labels, at);
        counts.end_series();
        self.note(origin);
        self.seal_if_full(packing, counts, out);
    }

    fn note(&mut self, origin: &Origin) {
        if self.contents.last() != Some(origin) {
            self.contents.push(origin.clone());
        }
    }

    /// Notes that all samples of a member's exposition with this number were added.
    pub(super) fn complete(&mut self, origin: &Origin, number: Option<u64>, out: &mut impl Output) {
        if self.contents.last() == Some(origin) {
            self.complete.extend(number);
        } else {
            out.complete(number.as_slice());
        }
    }

    pub(super) fn seal_if_full(&mut self, packing: &Packing, counts: &RelayCounts, out: &mut impl Output) {
        if self.builder.samples() >= packing.max_batch_samples
            || self.builder.bytes() >= packing.max_batch_bytes
        {
            self.seal(counts, out);
        }
    }

    /// Pushes the batch, if it is not empty, and begins a new one.
    pub(super) fn seal(&mut self, counts: &RelayCounts, out: &mut impl Output) {
        let Some(batch) = self.builder.finish() else { return };
        self.contents.clear();
        let samples = batch.samples;
        out.push(self.shard, batch, self.owner.as_ref());
        out.complete(&self.complete);
        self.complete.clear();
        counts.queue(samples);
    }
}
