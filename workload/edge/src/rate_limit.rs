//! How often somebody may do something: one bucket a key, in bounded memory.
//!
//! A caller with several limited actions keeps one [`Limiter`] for each, in an enum of its own that knows names,
//! default quotas and messages.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference as _};
use governor::middleware::NoOpMiddleware;
use tokio_util::sync::CancellationToken;

mod address_prefix;
mod bounded_store;
mod settings;

pub use address_prefix::AddressPrefix;
use bounded_store::BoundedStore;
pub use settings::LimitSettings;

/// A refill rate and a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota(governor::Quota);

/// The rate is not a number above zero, or so small that the burst would take more than a year to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate limit must be above 0 a second, and its burst must refill within a year")]
pub struct InvalidQuota;

/// Too soon. How long to wait for the next success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

/// Counts by key. At most `max_keys` keys have a bucket of their own; while the table is full of keys in use, all
/// newcomers share one, so that a flood of new keys neither eats the memory nor locks the others out for good.
pub struct Limiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    buckets: governor::RateLimiter<K, BoundedStore<K>, C, NoOpMiddleware<C::Instant>>,
    max_keys: usize,
    pruned: Mutex<C::Instant>,
}

/// A full table is pruned by those who find it full, but not more often than this: it costs a walk over all keys.
const PRUNE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

// === impl Quota ===

impl Quota {
    /// `per_second` permits come back every second, up to `burst` at once.
    pub fn new(per_second: f64, burst: NonZeroU32) -> Result<Self, InvalidQuota> {
        const YEAR: Duration = Duration::from_hours(366 * 24);
        let one = Duration::try_from_secs_f64(1.0 / per_second).map_err(|_| InvalidQuota)?;
        let one = one.max(Duration::from_nanos(1));
        if !(per_second > 0.0 && per_second.is_finite())
            || one.checked_mul(burst.get()).is_none_or(|all| all > YEAR)
        {
            return Err(InvalidQuota);
        }
        governor::Quota::with_period(one).map(|quota| Self(quota.allow_burst(burst))).ok_or(InvalidQuota)
    }

    /// A whole number a second, for constants.
    pub const fn per_second(permits: NonZeroU32, burst: NonZeroU32) -> Self {
        Self(governor::Quota::per_second(permits).allow_burst(burst))
    }
}

// === impl Limiter ===

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// A limiter in which every key begins with its full burst.
    pub fn new(quota: Quota, max_keys: usize) -> Self {
        Self::with_clock(quota, max_keys, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> Limiter<K, C> {
    fn with_clock(quota: Quota, max_keys: usize, clock: C) -> Self {
        let pruned = Mutex::new(clock.now());
        let buckets = governor::RateLimiter::new(quota.0, BoundedStore::new(max_keys), clock);
        Self { buckets, max_keys, pruned }
    }

    /// Takes one permit of the key, or says how long to wait.
    pub fn check(&self, key: &K) -> Result<(), RetryAfter> {
        if self.len() >= self.max_keys {
            self.prune();
        }
        self.buckets
            .check_key(key)
            .map_err(|until| RetryAfter(until.wait_time_from(self.buckets.clock().now())))
    }

    /// How many keys have a bucket of their own.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether no key has a bucket.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Forgets keys whose bucket is full again, every so often until the shutdown, and gives the memory back.
    pub async fn maintain(&self, every: Duration, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
    }

    fn prune(&self) {
        let now = self.buckets.clock().now();
        let Ok(mut pruned) = self.pruned.try_lock() else { return };
        if Duration::from(now.duration_since(*pruned)) >= PRUNE_AT_MOST_EVERY {
            self.buckets.retain_recent();
            *pruned = now;
        }
    }
}

impl<K: Hash + Eq + Clone, C: Clock> fmt::Debug for Limiter<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("keys", &self.len()).finish_non_exhaustive()
    }
}

impl From<RetryAfter> for crate::Error {
    fn from(RetryAfter(retry_after): RetryAfter) -> Self {
        Self::TooManyRequests { retry_after }
    }
}

#[cfg(test)]
mod tests;
