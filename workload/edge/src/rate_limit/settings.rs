//! What administrators may say about rate limits: the same numbers for every action, or each action's own.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{InvalidQuota, Quota};

/// The quotas, where they are not each action's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitSettings {
    /// Requests a second, for every action.
    pub refill_rate: Option<f64>,
    /// Requests at once, for every action.
    pub bucket_size: Option<NonZeroU32>,
    /// How often full buckets are forgotten.
    pub cleanup_every: Duration,
    /// How many clients are remembered an action.
    pub max_clients: usize,
}

impl LimitSettings {
    /// The quota of an action whose own is `rate` requests a second and `burst` at once.
    pub fn quota(&self, rate: f64, burst: u32) -> Result<Quota, InvalidQuota> {
        let rate = self.refill_rate.unwrap_or(rate);
        let burst = self.bucket_size.or(NonZeroU32::new(burst)).unwrap_or(NonZeroU32::MIN);
        Quota::new(rate, burst)
    }

    /// The same; whoever did not check the settings gets the strictest limit rather than none.
    pub fn quota_or_strictest(&self, (rate, burst): (f64, u32)) -> Quota {
        self.quota(rate, burst).unwrap_or(Quota::per_second(NonZeroU32::MIN, NonZeroU32::MIN))
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            refill_rate: None,
            bucket_size: None,
            cleanup_every: Duration::from_secs(60),
            max_clients: 100_000,
        }
    }
}
