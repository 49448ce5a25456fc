//! Rate limits: one token bucket for each key, in bounded memory.
//!
//! A caller with several limited actions keeps one [`Limiter`] for each of them, and an enum with their names, default
//! quotas and messages.

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

/// A refill rate and a burst size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota(governor::Quota);

/// The rate is not a number above zero, or so small that refilling the burst would take more than a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate limit must be above 0 a second, and its burst must refill within a year")]
pub struct InvalidQuota;

/// A request was refused because it came too soon; the wait until the next one is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

/// Limits requests by key. At most `max_keys` keys have buckets of their own. While the table is full of keys in use, all
/// new keys share one bucket, so that a flood of new keys neither exhausts the memory nor locks out the others permanently.
pub struct Limiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    buckets: governor::RateLimiter<K, BoundedStore<K>, C, NoOpMiddleware<C::Instant>>,
    max_keys: usize,
    pruned: Mutex<C::Instant>,
}

/// A request that finds the table full prunes it, but not more often than this, because pruning visits every key.
const MIN_PRUNE_INTERVAL: Duration = Duration::from_secs(1);

// === impl Quota ===

impl Quota {
    /// `per_second` permits are added every second, up to `burst` of them.
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

    /// A quota with a whole number of permits per second, for constants.
    pub const fn per_second(permits: NonZeroU32, burst: NonZeroU32) -> Self {
        Self(governor::Quota::per_second(permits).allow_burst(burst))
    }
}

// === impl Limiter ===

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// A limiter in which every key begins with a full bucket.
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

    /// Takes one permit of the key, or returns how long to wait.
    pub fn check(&self, key: &K) -> Result<(), RetryAfter> {
        if self.len() >= self.max_keys {
            self.prune();
        }
        self.buckets
            .check_key(key)
            .map_err(|until| RetryAfter(until.wait_time_from(self.buckets.clock().now())))
    }

    /// The number of keys with buckets of their own.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether no key has a bucket.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Removes keys whose buckets are full again and frees the memory, at this interval until the shutdown.
    pub async fn maintain(&self, interval: Duration, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
    }

    fn prune(&self) {
        let now = self.buckets.clock().now();
        let Ok(mut pruned) = self.pruned.try_lock() else { return };
        if Duration::from(now.duration_since(*pruned)) >= MIN_PRUNE_INTERVAL {
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
