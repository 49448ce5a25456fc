//! The relay's own metrics. Everything that is lost is counted, with the cause.

mod cause;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use exposition::BadLine;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::excess::Budget;
use crate::status::{SinkState, SinkStatus};
pub use cause::{Cause, Outcome};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabel {
    cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabel {
    budget: Budget,
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
    series_ended: Counter,
    series_not_remembered: Counter,
    series_bytes: Gauge,
    intake_bytes: Gauge,
    over_budget: Family<BudgetLabel, Gauge>,
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
    /// Registers the metrics as `cluster_manager_relay_…`.
    pub fn register(&self, registry: &mut Registry) {
        let relay = registry.sub_registry_with_prefix("cluster_manager_relay");
        relay.register("expositions", "Parsed expositions", self.expositions.clone());
        relay.register(
            "expositions_dropped",
            "Expositions that were dropped before they were parsed, by cause",
            self.expositions_dropped.clone(),
        );
        relay.register(
            "bad_lines",
            "Lines of expositions that were skipped, by reason",
            self.bad_lines.clone(),
        );
        relay.register("samples", "Samples that were queued for the sinks", self.samples.clone());
        relay.register(
            "samples_left_out",
            "Samples that were left out on purpose, by cause",
            self.samples_left_out.clone(),
        );
        self.register_series(relay);
        relay.register("requests", "Requests to a sink, by outcome", self.requests.clone());
        relay.register("samples_sent", "Samples that a sink accepted", self.sent.clone());
        relay.register(
            "samples_dropped",
            "Samples that were dropped and do not reach a sink, by cause",
            self.dropped.clone(),
        );
        relay.register(
            "queued_bytes",
            "Bytes of samples that wait for a sink in memory",
            self.queued.clone(),
        );
        relay.register(
            "spooled_bytes",
            "Bytes of samples that wait for a sink on disk",
            self.spooled.clone(),
        );
        relay.register("spool_errors", "Failed writes to a sink's spool", self.spool_errors.clone());
        relay.register("journal_errors", "Failed writes to the journal", self.journal_errors.clone());
        relay.register(
            "oldest_seconds",
            "Age of the oldest samples that wait for a sink",
            self.oldest.clone(),
        );
    }

    fn register_series(&self, relay: &mut Registry) {
        relay.register(
            "series_ended",
            "Series whose end was queued for the sinks",
            self.series_ended.clone(),
        );
        relay.register(
            "series_not_remembered",
            "New series for which there was no memory, so that their end may go unnoticed",
            self.series_not_remembered.clone(),
        );
        relay.register(
            "series_bytes",
            "Memory for the series that were exposed last",
            self.series_bytes.clone(),
        );
        relay.register(
            "intake_bytes",
            "Bytes of expositions that wait to be parsed",
            self.intake_bytes.clone(),
        );
        relay.register(
            "clusters_over_budget",
            "Clusters of which something was left out within 10 min, by the budget that they exceed",
            self.over_budget.clone(),
        );
        self.set_over_budget([0; 3]);
    }

    pub(crate) fn end_series(&self) {
        self.series_ended.inc();
    }

    pub(crate) fn not_remembered(&self, series: usize) {
        self.series_not_remembered.inc_by(series as u64);
    }

    pub(crate) fn set_known_bytes(&self, bytes: usize) {
        self.series_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn set_intake_bytes(&self, bytes: usize) {
        self.intake_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Sets how many clusters exceed each budget, in the order of [`Budget::ALL`].
    pub(crate) fn set_over_budget(&self, clusters: [usize; 3]) {
        for (budget, clusters) in Budget::ALL.into_iter().zip(clusters) {
            let clusters = i64::try_from(clusters).unwrap_or(i64::MAX);
            self.over_budget.get_or_create(&BudgetLabel { budget }).set(clusters);
        }
    }

    /// Series whose end was queued for the sinks.
    pub fn series_ended(&self) -> u64 {
        self.series_ended.get()
    }

    pub(crate) fn read_exposition(&self) {
        self.expositions.inc();
    }

    pub(crate) fn drop_expositions(&self, count: u64, cause: Cause) {
        self.expositions_dropped.get_or_create(&CauseLabel { cause }).inc_by(count);
    }

    pub(crate) fn skip_lines(&self, reason: BadLine, lines: u64) {
        self.bad_lines.get_or_create(&ReasonLabel { reason: reason.to_string() }).inc_by(lines);
    }

    pub(crate) fn queue(&self, samples: u32) {
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
        counts.create_all();
        counts
    }

    /// Expositions that were dropped for this cause.
    pub fn expositions_dropped(&self, cause: Cause) -> u64 {
        self.expositions_dropped.get_or_create(&CauseLabel { cause }).get()
    }

    /// Lines that were skipped for this reason.
    pub fn bad_lines(&self, reason: BadLine) -> u64 {
        self.bad_lines.get_or_create(&ReasonLabel { reason: reason.to_string() }).get()
    }

    /// Failed writes to the journal.
    pub fn journal_errors(&self) -> u64 {
        self.journal_errors.get()
    }

    /// Samples that were queued for the sinks.
    pub fn queued(&self) -> u64 {
        self.samples.get()
    }

    /// Samples that were left out for this cause.
    pub fn left_out(&self, cause: Cause) -> u64 {
        self.samples_left_out.get_or_create(&CauseLabel { cause }).get()
    }

    /// Samples that a sink accepted.
    pub fn sent(&self, sink: &str) -> u64 {
        self.sent.get_or_create(&SinkLabel { sink: sink.to_owned() }).get()
    }

    /// Samples that were dropped for this cause and do not reach a sink.
    pub fn dropped(&self, sink: &str, cause: Cause) -> u64 {
        self.dropped.get_or_create(&SinkCause { sink: sink.to_owned(), cause }).get()
    }

    /// Requests to a sink with this outcome.
    pub fn requests(&self, sink: &str, outcome: Outcome) -> u64 {
        self.requests.get_or_create(&SinkOutcome { sink: sink.to_owned(), outcome }).get()
    }
}

impl SinkCounts {
    /// Creates every counter at zero, so that its first increase is visible as one.
    fn create_all(&self) {
        let _ = self.counts.sent.get_or_create(&self.label());
        let _ = self.counts.spool_errors.get_or_create(&self.label());
        self.set_oldest(Duration::ZERO);
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

    pub(crate) fn set_waiting(&self, memory: usize, spool: u64) {
        self.counts.queued.get_or_create(&self.label()).set(i64::try_from(memory).unwrap_or(i64::MAX));
        self.counts.spooled.get_or_create(&self.label()).set(i64::try_from(spool).unwrap_or(i64::MAX));
    }

    pub(crate) fn spool_failed(&self) {
        self.counts.spool_errors.get_or_create(&self.label()).inc();
    }

    pub(crate) fn set_oldest(&self, age: Duration) {
        self.counts.oldest.get_or_create(&self.label()).set(age.as_secs_f64());
    }

    /// The status of the sink, whose last response led to this state.
    pub(crate) fn status(&self, state: SinkState) -> SinkStatus {
        let RelayCounts { queued, spooled, oldest, .. } = &self.counts;
        let value = |gauge: &Family<SinkLabel, Gauge>| gauge.get_or_create(&self.label()).get();
        let oldest = oldest.get_or_create(&self.label()).get();
        SinkStatus {
            name: self.sink.clone(),
            state,
            oldest: Duration::try_from_secs_f64(oldest).unwrap_or_default(),
            // If there is a spool, it also contains what is in memory.
            waiting_bytes: u64::try_from(value(queued).max(value(spooled))).unwrap_or_default(),
            sent: self.counts.sent(&self.sink),
            dropped: Cause::OF_A_SINK.iter().map(|cause| self.counts.dropped(&self.sink, *cause)).sum(),
        }
    }

    fn label(&self) -> SinkLabel {
        SinkLabel { sink: self.sink.clone() }
    }
}
