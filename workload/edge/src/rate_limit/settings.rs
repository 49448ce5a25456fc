//! Rate limits as administrators configure them: the same quota for every action, or the default of each action.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{InvalidQuota, Quota};

/// The configured quota. Where it is not set, each action has its own default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitSettings {
    /// Requests per second, for every action.
    pub refill_rate: Option<f64>,
    /// The burst in requests, for every action.
    pub bucket_size: Option<NonZeroU32>,
    /// The interval at which full buckets are removed.
    pub cleanup_interval: Duration,
    /// The most clients that have buckets of their own, for each action.
    pub max_clients: usize,
}

impl LimitSettings {
    /// The quota of an action whose default is `rate` requests per second with this burst.
    pub fn quota(&self, rate: f64, burst: u32) -> Result<Quota, InvalidQuota> {
        let rate = self.refill_rate.unwrap_or(rate);
        let burst = self.bucket_size.or(NonZeroU32::new(burst)).unwrap_or(NonZeroU32::MIN);
        Quota::new(rate, burst)
    }

    /// The same. Invalid settings, which should have been refused at startup, lead to the strictest limit.
    pub fn quota_or_strictest(&self, (rate, burst): (f64, u32)) -> Quota {
        self.quota(rate, burst).unwrap_or(Quota::per_second(NonZeroU32::MIN, NonZeroU32::MIN))
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            refill_rate: None,
            bucket_size: None,
            cleanup_interval: Duration::from_secs(60),
            max_clients: 100_000,
        }
    }
}
