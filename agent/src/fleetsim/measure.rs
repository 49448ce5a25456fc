//! Counting while it runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::acked::Acked;
use super::report::{Latency, Report};
use super::{Options, SimError};

/// The longest time that is told apart, in microseconds.
const LONGEST: u64 = 600_000_000;

/// Everything counted so far.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) sites: AtomicU64,
    pub(super) joins: AtomicU64,
    pub(super) beats: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) in_flight: AtomicU64,
    /// Beats not sent since their site's last one was still under way.
    pub(super) overlaps: AtomicU64,
    /// Beats that were due but not sent before the end.
    pub(super) unsent: AtomicU64,
    acked: Option<Acked>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    join_errors: BTreeMap<String, u64>,
    beat_errors: BTreeMap<String, u64>,
    faults: BTreeMap<&'static str, u64>,
    whole: Histogram<u64>,
    call: Histogram<u64>,
    joining: Option<(Instant, Duration)>,
    beating: Option<(Instant, Duration)>,
}

impl Measure {
    pub(super) fn new(options: &Options) -> Result<Self, SimError> {
        Ok(Self {
            sites: AtomicU64::new(0),
            joins: AtomicU64::new(0),
            beats: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            overlaps: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            acked: options.acked.as_deref().map(Acked::open).transpose()?,
            inner: Mutex::new(Inner {
                join_errors: BTreeMap::new(),
                beat_errors: BTreeMap::new(),
                faults: BTreeMap::new(),
                whole: histogram(),
                call: histogram(),
                joining: None,
                beating: None,
            }),
        })
    }

    pub(super) fn joined(&self, site: &str) {
        self.note(site, 0);
        self.joins.fetch_add(1, Relaxed);
    }

    pub(super) fn join_failed(&self, kind: String) {
        self.failures.fetch_add(1, Relaxed);
        *self.inner().join_errors.entry(kind).or_default() += 1;
    }

    /// Marks the span in which joins happen; called again, it grows up to now.
    pub(super) fn joining(&self) {
        mark(&mut self.inner().joining);
    }

    /// Marks the span in which beats happen; called again, it grows up to now.
    pub(super) fn beating(&self) {
        mark(&mut self.inner().beating);
    }

    /// A beat came back with 200. A spoilt one tells nothing about the hub's speed: no times.
    pub(super) fn beat(&self, site: &str, memory_usage: i64, times: Option<(Duration, Duration)>) {
        self.note(site, memory_usage);
        self.beats.fetch_add(1, Relaxed);
        let mut inner = self.inner();
        if let Some((whole, call)) = times {
            inner.whole.saturating_record(micros(whole));
            inner.call.saturating_record(micros(call));
        }
    }

    pub(super) fn beat_failed(&self, kind: String) {
        self.failures.fetch_add(1, Relaxed);
        *self.inner().beat_errors.entry(kind).or_default() += 1;
    }

    pub(super) fn fault(&self, name: &'static str) {
        *self.inner().faults.entry(name).or_default() += 1;
    }

    pub(super) fn report(&self) -> Report {
        let inner = self.inner();
        let (joined, beats) = (self.joins.load(Relaxed), self.beats.load(Relaxed));
        let (join_seconds, seconds) = (seconds(inner.joining), seconds(inner.beating));
        Report {
            sites: self.sites.load(Relaxed),
            joined,
            join_seconds,
            joins_per_second: per_second(joined, join_seconds),
            join_errors: inner.join_errors.clone(),
            beats,
            seconds,
            beats_per_second: per_second(beats, seconds),
            beat_errors: inner.beat_errors.clone(),
            overlaps: self.overlaps.load(Relaxed),
            unsent: self.unsent.load(Relaxed),
            faults: inner.faults.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            whole: Latency::of(&inner.whole),
            call: Latency::of(&inner.call),
        }
    }

    fn note(&self, site: &str, memory_usage: i64) {
        if let Some(acked) = &self.acked {
            acked.note(site, memory_usage);
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::expect_used, reason = "constant bounds that hdrhistogram accepts")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST)
}

fn mark(span: &mut Option<(Instant, Duration)>) {
    let now = Instant::now();
    let (start, length) = span.get_or_insert((now, Duration::ZERO));
    *length = now - *start;
}

fn seconds(span: Option<(Instant, Duration)>) -> f64 {
    span.map_or(0.0, |(_, length)| length.as_secs_f64())
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
