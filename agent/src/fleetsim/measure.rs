//! Counts events while the simulation runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::acknowledgements::AcknowledgementLog;
use super::error::SimError;
use super::options::Options;
use super::report::{Latency, Report};

/// The longest latency that histograms distinguish, in microseconds; longer ones count as this.
const MAX_LATENCY_MICROS: u64 = 600_000_000;

/// Everything measured so far.
#[derive(Debug)]
pub(super) struct Measurements {
    pub(super) clusters: AtomicU64,
    pub(super) joins: AtomicU64,
    pub(super) heartbeats: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) in_flight: AtomicU64,
    /// Heartbeats not sent because the last one of their cluster was still in flight.
    pub(super) overlaps: AtomicU64,
    /// Heartbeats that were due but not sent before the end.
    pub(super) unsent: AtomicU64,
    acknowledgements: Option<AcknowledgementLog>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    join_errors: BTreeMap<String, u64>,
    heartbeat_errors: BTreeMap<String, u64>,
    faults: BTreeMap<&'static str, u64>,
    from_due: Histogram<u64>,
    call: Histogram<u64>,
    join_phase: Option<Phase>,
    heartbeat_phase: Option<Phase>,
}

/// The time from the first to the last event of a kind.
#[derive(Debug)]
struct Phase {
    start: Instant,
    length: Duration,
}

impl Measurements {
    pub(super) fn new(options: &Options) -> Result<Self, SimError> {
        Ok(Self {
            clusters: AtomicU64::new(0),
            joins: AtomicU64::new(0),
            heartbeats: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            overlaps: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            acknowledgements: options.acked.as_deref().map(AcknowledgementLog::open).transpose()?,
            inner: Mutex::new(Inner {
                join_errors: BTreeMap::new(),
                heartbeat_errors: BTreeMap::new(),
                faults: BTreeMap::new(),
                from_due: histogram(),
                call: histogram(),
                join_phase: None,
                heartbeat_phase: None,
            }),
        })
    }

    pub(super) fn join_acknowledged(&self, cluster: &str) {
        self.log_acknowledgement(cluster, 0);
        self.joins.fetch_add(1, Relaxed);
    }

    pub(super) fn join_failed(&self, kind: String) {
        self.failures.fetch_add(1, Relaxed);
        *self.inner().join_errors.entry(kind).or_default() += 1;
    }

    /// Starts the phase of joins, or extends it to now.
    pub(super) fn extend_join_phase(&self) {
        extend(&mut self.inner().join_phase);
    }

    /// Starts the phase of heartbeats, or extends it to now.
    pub(super) fn extend_heartbeat_phase(&self) {
        extend(&mut self.inner().heartbeat_phase);
    }

    /// Counts a heartbeat with a 200 response and its latencies: from due to response, and of the call alone. The
    /// latencies are absent if a fault was injected.
    pub(super) fn heartbeat_acknowledged(
        &self,
        cluster: &str,
        memory_usage: i64,
        latencies: Option<(Duration, Duration)>,
    ) {
        self.log_acknowledgement(cluster, memory_usage);
        self.heartbeats.fetch_add(1, Relaxed);
        let mut inner = self.inner();
        if let Some((from_due, call)) = latencies {
            inner.from_due.saturating_record(micros(from_due));
            inner.call.saturating_record(micros(call));
        }
    }

    pub(super) fn heartbeat_failed(&self, kind: String) {
        self.failures.fetch_add(1, Relaxed);
        *self.inner().heartbeat_errors.entry(kind).or_default() += 1;
    }

    pub(super) fn fault(&self, name: &'static str) {
        *self.inner().faults.entry(name).or_default() += 1;
    }

    pub(super) fn report(&self) -> Report {
        let inner = self.inner();
        let (joined, heartbeats) = (self.joins.load(Relaxed), self.heartbeats.load(Relaxed));
        let (join_seconds, seconds) =
            (seconds(inner.join_phase.as_ref()), seconds(inner.heartbeat_phase.as_ref()));
        Report {
            clusters: self.clusters.load(Relaxed),
            joined,
            join_seconds,
            joins_per_second: per_second(joined, join_seconds),
            join_errors: inner.join_errors.clone(),
            heartbeats,
            seconds,
            heartbeats_per_second: per_second(heartbeats, seconds),
            heartbeat_errors: inner.heartbeat_errors.clone(),
            overlaps: self.overlaps.load(Relaxed),
            unsent: self.unsent.load(Relaxed),
            faults: inner.faults.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            from_due: Latency::of(&inner.from_due),
            call: Latency::of(&inner.call),
        }
    }

    fn log_acknowledgement(&self, cluster: &str, memory_usage: i64) {
        if let Some(log) = &self.acknowledgements {
            log.append(cluster, memory_usage);
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::expect_used, reason = "the bounds are constants that hdrhistogram accepts")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_LATENCY_MICROS, 3).expect("the bounds are in order")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(MAX_LATENCY_MICROS)
}

fn extend(phase: &mut Option<Phase>) {
    let now = Instant::now();
    let phase = phase.get_or_insert(Phase { start: now, length: Duration::ZERO });
    phase.length = now - phase.start;
}

fn seconds(phase: Option<&Phase>) -> f64 {
    phase.map_or(0.0, |phase| phase.length.as_secs_f64())
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
