//! What the relay counts of itself. Whatever is lost is counted, with the reason.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::standing::{SinkStanding, SinkState};
use exposition::BadLine;

/// Why something did not reach a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Expositions: there were more than could be read; the oldest went.
    IntakeFull,
    /// Expositions: the cluster has more members, or a member more services, than any real one.
    TooManyMembers,
    /// Expositions: the member's or the service's name is longer than any real one.
    LongName,
    /// Samples: the exposition has more than are taken of one.
    TooMany,
    /// Samples: their series was in the exposition before.
    Repeated,
    /// Samples: a `deny` matcher fits them, or no `allow` matcher does.
    Filtered,
    /// Samples: the turn of their group had not come.
    NotDue,
    /// Samples: their own time stamp is too far from the moment of receipt.
    Implausible,
    /// Samples: the queue in memory was full; the oldest went.
    MemoryFull,
    /// Samples: the spool was full; the oldest went.
    SpoolFull,
    /// Samples: the spool could not be read back.
    SpoolUnreadable,
    /// Samples: they became older than the sink takes while they waited.
    TooOld,
    /// Samples: the sink refuses them, alone.
    Refused,
    /// Samples: the sink refused them together with others, and dividing them further would have cost too much.
    RefusedTogether,
    /// Samples: the sink refuses everything: its address or our credentials are wrong.
    Misdirected,
    /// Samples: the process ended before they were sent, and there is no spool.
    Ended,
}

impl Cause {
    /// Why samples that were handed over do not reach a sink.
    const OF_A_SINK: [Self; 8] = [
        Self::MemoryFull,
        Self::SpoolFull,
        Self::SpoolUnreadable,
        Self::TooOld,
        Self::Refused,
        Self::RefusedTogether,
        Self::Misdirected,
        Self::Ended,
    ];
}

/// How a request to a sink ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Outcome {
    Taken,
    Refused,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabel {
    cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabel {
    sink: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkCause {
    sink: String,
    cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkOutcome {
    sink: String,
    outcome: Outcome,
}

/// The relay's counters. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RelayCounts {
    expositions: Counter,
    expositions_dropped: Family<CauseLabel, Counter>,
    bad_lines: Family<ReasonLabel, Counter>,
    samples: Counter,
    samples_left_out: Family<CauseLabel, Counter>,
    requests: Family<SinkOutcome, Counter>,
    sent: Family<SinkLabel, Counter>,
    dropped: Family<SinkCause, Counter>,
    queued: Family<SinkLabel, Gauge>,
    spooled: Family<SinkLabel, Gauge>,
    spool_errors: Family<SinkLabel, Counter>,
    journal_errors: Counter,
    oldest: Family<SinkLabel, Gauge<f64, AtomicU64>>,
}

/// The counters of one sink.
#[derive(Debug, Clone)]
pub(crate) struct SinkCounts {
    sink: String,
    counts: RelayCounts,
}

impl RelayCounts {
    /// Shows them under `cluster_manager_relay_…`.
    pub fn register(&self, registry: &mut Registry) {
        let relay = registry.sub_registry_with_prefix("cluster_manager_relay");
        relay.register("expositions", "Members' expositions that were read", self.expositions.clone());
        relay.register(
            "expositions_dropped",
            "Members' expositions that were not read",
            self.expositions_dropped.clone(),
        );
        relay.register("bad_lines", "Lines of expositions that were passed over", self.bad_lines.clone());
        relay.register("samples", "Samples that were handed to the sinks' queues", self.samples.clone());
        relay.register(
            "samples_left_out",
            "Samples that were left out on purpose",
            self.samples_left_out.clone(),
        );
        relay.register("requests", "Requests to a sink", self.requests.clone());
        relay.register("samples_sent", "Samples that a sink took", self.sent.clone());
        relay.register("samples_dropped", "Samples that a sink will not get", self.dropped.clone());
        relay.register("queued_bytes", "Bytes of samples in memory for a sink", self.queued.clone());
        relay.register("spooled_bytes", "Bytes of samples on disk for a sink", self.spooled.clone());
        relay.register(
            "spool_errors",
            "Times that the spool could not be written",
            self.spool_errors.clone(),
        );
        relay.register(
            "journal_errors",
            "Times that what was handed in could not be written to the journal",
            self.journal_errors.clone(),
        );
        relay.register(
            "oldest_seconds",
            "How long the oldest samples have waited for a sink",
            self.oldest.clone(),
        );
    }

    pub(crate) fn read_exposition(&self) {
        self.expositions.inc();
    }

    pub(crate) fn drop_expositions(&self, count: u64, cause: Cause) {
        self.expositions_dropped.get_or_create(&CauseLabel { cause }).inc_by(count);
    }

    pub(crate) fn pass_over(&self, reason: BadLine, lines: u64) {
        self.bad_lines.get_or_create(&ReasonLabel { reason: reason.to_string() }).inc_by(lines);
    }

    pub(crate) fn hand_over(&self, samples: u32) {
        self.samples.inc_by(samples.into());
    }

    pub(crate) fn leave_out(&self, samples: u64, cause: Cause) {
        if samples > 0 {
            self.samples_left_out.get_or_create(&CauseLabel { cause }).inc_by(samples);
        }
    }

    pub(crate) fn journal_failed(&self) {
        self.journal_errors.inc();
    }

    pub(crate) fn of_sink(&self, name: &str) -> SinkCounts {
        let counts = SinkCounts { sink: name.to_owned(), counts: self.clone() };
        counts.begin();
        counts
    }

    /// Members' expositions that were not read for this reason.
    pub fn expositions_dropped(&self, cause: Cause) -> u64 {
        self.expositions_dropped.get_or_create(&CauseLabel { cause }).get()
    }

    /// Lines that were passed over for this reason.
    pub fn bad_lines(&self, reason: BadLine) -> u64 {
        self.bad_lines.get_or_create(&ReasonLabel { reason: reason.to_string() }).get()
    }

    /// Times that the journal could not be written.
    pub fn journal_errors(&self) -> u64 {
        self.journal_errors.get()
    }

    /// Samples that are in the sinks' queues, and in their spools, or were.
    pub fn handed_over(&self) -> u64 {
        self.samples.get()
    }

    /// Samples that were left out for this reason.
    pub fn left_out(&self, cause: Cause) -> u64 {
        self.samples_left_out.get_or_create(&CauseLabel { cause }).get()
    }

    /// Samples that a sink took.
    pub fn sent(&self, sink: &str) -> u64 {
        self.sent.get_or_create(&SinkLabel { sink: sink.to_owned() }).get()
    }

    /// Samples that a sink will not get for this reason.
    pub fn dropped(&self, sink: &str, cause: Cause) -> u64 {
        self.dropped.get_or_create(&SinkCause { sink: sink.to_owned(), cause }).get()
    }

    /// Requests to a sink that ended so.
    pub fn requests(&self, sink: &str, outcome: Outcome) -> u64 {
        self.requests.get_or_create(&SinkOutcome { sink: sink.to_owned(), outcome }).get()
    }
}

impl SinkCounts {
    /// Shows every counter from the beginning, so that its first burst is seen as one.
    fn begin(&self) {
        let _ = self.counts.sent.get_or_create(&self.label());
        let _ = self.counts.spool_errors.get_or_create(&self.label());
        self.waits(Duration::ZERO);
        for outcome in [Outcome::Taken, Outcome::Refused, Outcome::Failed] {
            let _ = self.counts.requests.get_or_create(&SinkOutcome { sink: self.sink.clone(), outcome });
        }
        for cause in Cause::OF_A_SINK {
            let _ = self.counts.dropped.get_or_create(&SinkCause { sink: self.sink.clone(), cause });
        }
    }

    pub(crate) fn request(&self, outcome: Outcome) {
        self.counts.requests.get_or_create(&SinkOutcome { sink: self.sink.clone(), outcome }).inc();
    }

    pub(crate) fn sent(&self, samples: u32) {
        self.counts.sent.get_or_create(&self.label()).inc_by(samples.into());
    }

    pub(crate) fn dropped(&self, samples: u32, cause: Cause) {
        self.counts
            .dropped
            .get_or_create(&SinkCause { sink: self.sink.clone(), cause })
            .inc_by(samples.into());
    }

    pub(crate) fn holds(&self, memory: usize, spool: u64) {
        self.counts.queued.get_or_create(&self.label()).set(i64::try_from(memory).unwrap_or(i64::MAX));
        self.counts.spooled.get_or_create(&self.label()).set(i64::try_from(spool).unwrap_or(i64::MAX));
    }

    pub(crate) fn spool_failed(&self) {
        self.counts.spool_errors.get_or_create(&self.label()).inc();
    }

    pub(crate) fn waits(&self, longest: Duration) {
        self.counts.oldest.get_or_create(&self.label()).set(longest.as_secs_f64());
    }

    /// What people are told of the sink, which answered so.
    pub(crate) fn standing(&self, state: SinkState) -> SinkStanding {
        let RelayCounts { queued, spooled, oldest, .. } = &self.counts;
        let held = |of: &Family<SinkLabel, Gauge>| of.get_or_create(&self.label()).get();
        let oldest = oldest.get_or_create(&self.label()).get();
        SinkStanding {
            name: self.sink.clone(),
            state,
            oldest: Duration::try_from_secs_f64(oldest).unwrap_or_default(),
            // What is in memory is in the spool too, where there is one.
            waiting_bytes: u64::try_from(held(queued).max(held(spooled))).unwrap_or_default(),
            sent: self.counts.sent(&self.sink),
            dropped: Cause::OF_A_SINK.iter().map(|cause| self.counts.dropped(&self.sink, *cause)).sum(),
        }
    }

    fn label(&self) -> SinkLabel {
        SinkLabel { sink: self.sink.clone() }
    }
}

impl EncodeLabelValue for Cause {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::IntakeFull => "intake_full",
            Self::TooManyMembers => "too_many_members",
            Self::LongName => "long_name",
            Self::TooMany => "too_many",
            Self::Repeated => "repeated",
            Self::Filtered => "filtered",
            Self::NotDue => "not_due",
            Self::Implausible => "implausible_time",
            Self::MemoryFull => "memory_full",
            Self::SpoolFull => "spool_full",
            Self::SpoolUnreadable => "spool_unreadable",
            Self::TooOld => "too_old",
            Self::Refused => "refused",
            Self::RefusedTogether => "refused_together",
            Self::Misdirected => "misdirected",
            Self::Ended => "ended",
        };
        word.encode(encoder)
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Failed => "failed",
        };
        word.encode(encoder)
    }
}
