//! What the process may hold: large work is refused before the kernel ends the process.
//!
//! The limit is the container's, or a setting. The memory in use is the process' resident set, which is read ten times a
//! second: an attacker with a fast network fills a hundred megabytes between two looks, hence the distance between the
//! thresholds and the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

mod sample;

pub use sample::{container_limit, resident_bytes};

/// How often the memory in use is read. It takes some 20 µs.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);
/// From these percentages of the limit on, memory is short, or nearly exhausted.
const SHORT_PERCENT: u64 = 80;
const NEARLY_EXHAUSTED_PERCENT: u64 = 90;
/// How far, in percent of the limit, the memory in use must fall below a threshold before it counts as below.
const HYSTERESIS_PERCENT: u64 = 3;

/// How short memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortage {
    /// There is enough, or no limit.
    None,
    /// Requests with large bodies are refused.
    Short,
    /// So is all that may have a large response, and connections from networks without known clients.
    NearlyExhausted,
}

/// The memory that the process may use. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryBudget(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// In bytes; 0: no limit.
    limit: AtomicU64,
    shortage: AtomicU8,
    limit_gauge: Gauge,
    used_gauge: Gauge,
    refused: Counter,
}

impl MemoryBudget {
    /// A budget of this many bytes. `None`: nothing is ever refused.
    pub fn new(limit: Option<u64>) -> Self {
        let budget = Self::default();
        let limit = limit.unwrap_or(0);
        budget.0.limit.store(limit, Ordering::Relaxed);
        budget.0.limit_gauge.set(as_gauge(limit));
        budget
    }

    /// Adds its metrics to a registry, which may have a prefix.
    pub fn register(&self, registry: &mut Registry) {
        let State { limit_gauge, used_gauge, refused, .. } = &*self.0;
        let help = "Memory that the process may use; 0: no limit is known";
        registry.register_with_unit("memory_limit", help, Unit::Bytes, limit_gauge.clone());
        let help = "Memory that the process uses (resident set)";
        registry.register_with_unit("memory_used", help, Unit::Bytes, used_gauge.clone());
        let help = "Requests that were refused because memory is short";
        registry.register("memory_refusals", help, refused.clone());
    }

    /// How short memory is.
    pub fn shortage(&self) -> Shortage {
        match self.0.shortage.load(Ordering::Relaxed) {
            0 => Shortage::None,
            1 => Shortage::Short,
            _ => Shortage::NearlyExhausted,
        }
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self) {
        self.0.refused.inc();
    }

    /// Judges the memory in use, in bytes.
    pub fn judge(&self, used: u64) {
        let limit = self.0.limit.load(Ordering::Relaxed);
        self.0.used_gauge.set(as_gauge(used));
        let (before, now) = (self.shortage(), judge(used, limit, self.shortage()));
        if before == now {
            return;
        }
        self.0.shortage.store(now as u8, Ordering::Relaxed);
        if now > before {
            tracing::warn!(used, limit, shortage = ?now, "memory is short: refusing large requests");
        } else {
            tracing::info!(used, limit, shortage = ?now, "memory is less short");
        }
    }

    /// Reads and judges the memory in use until the shutdown.
    pub async fn watch(self, shutdown: CancellationToken) {
        let mut ticks = interval(SAMPLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(used) = resident_bytes() else {
                tracing::warn!("cannot read the memory in use; memory is not limited");
                return;
            };
            self.judge(used);
        }
    }
}

fn judge(used: u64, limit: u64, before: Shortage) -> Shortage {
    if limit == 0 {
        return Shortage::None;
    }
    let is_above = |percent: u64, shortage: Shortage| {
        let percent = if before >= shortage { percent - HYSTERESIS_PERCENT } else { percent };
        used >= limit / 100 * percent
    };
    if is_above(NEARLY_EXHAUSTED_PERCENT, Shortage::NearlyExhausted) {
        Shortage::NearlyExhausted
    } else if is_above(SHORT_PERCENT, Shortage::Short) {
        Shortage::Short
    } else {
        Shortage::None
    }
}

fn as_gauge(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortage_begins_at_a_threshold_and_ends_below_it() {
        let budget = MemoryBudget::new(Some(1000));
        let judged = [700, 810, 790, 760, 950, 880, 860, 0].map(|used| {
            budget.judge(used);
            budget.shortage()
        });
        let (none, short, nearly) = (Shortage::None, Shortage::Short, Shortage::NearlyExhausted);
        assert_eq!(judged, [none, short, short, none, nearly, nearly, short, none]);
    }

    #[test]
    fn without_a_limit_nothing_is_short() {
        let budget = MemoryBudget::new(None);
        budget.judge(u64::MAX);
        assert_eq!(budget.shortage(), Shortage::None);
    }
}
