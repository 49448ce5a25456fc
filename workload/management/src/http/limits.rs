//! Rate limits. Authenticated callers are counted by actor, all others by address prefix and action. Each action has its
//! own bucket, so that loading pages never exhausts the limit for sign-ins.

use std::net::IpAddr;
use std::time::Duration;

use edge::rate_limit::{AddressPrefix, InvalidQuota, LimitSettings, Limiter, RetryAfter};
use fleet::Actor;
use tokio_util::sync::CancellationToken;

/// An action that is counted by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Loading a page or a file of one, or checking readiness.
    Page,
    /// Signing in or out.
    SignIn,
    /// A call that needs authentication, before it is authenticated.
    Unauthenticated,
}

/// The buckets of all limits.
pub(crate) struct RateLimits {
    by_address: [Limiter<AddressPrefix>; 3],
    by_caller: Limiter<Actor>,
    cleanup_interval: Duration,
}

/// The default limit of one person or program. A page of the UI sends several requests at once, a script many.
const CALLER_QUOTA: (f64, u32) = (50.0, 500);

impl Action {
    const ALL: [Self; 3] = [Self::Page, Self::SignIn, Self::Unauthenticated];

    /// The default limit: requests per second, and burst.
    const fn default_quota(self) -> (f64, u32) {
        match self {
            // A whole organisation may share one address, and a page loads a dozen files. Every call counts as
            // unauthenticated first, which limits guessing.
            Self::Page | Self::Unauthenticated => (200.0, 2000),
            Self::SignIn => (5.0, 100),
        }
    }
}

/// Checks that these settings give a valid limit for every action.
pub fn check(settings: &LimitSettings) -> Result<(), InvalidQuota> {
    let mut quotas = Action::ALL.iter().map(|action| action.default_quota()).chain([CALLER_QUOTA]);
    quotas.try_for_each(|(rate, burst)| settings.quota(rate, burst).map(drop))
}

impl RateLimits {
    pub(crate) fn new(settings: &LimitSettings) -> Self {
        let max = settings.max_clients;
        let address = |action: Action| Limiter::new(settings.quota_or_strictest(action.default_quota()), max);
        Self {
            by_address: Action::ALL.map(address),
            by_caller: Limiter::new(settings.quota_or_strictest(CALLER_QUOTA), max),
            cleanup_interval: settings.cleanup_interval,
        }
    }

    /// Counts an action of an unauthenticated caller.
    pub(crate) fn check_address(&self, action: Action, address: IpAddr) -> Result<(), RetryAfter> {
        self.by_address[action as usize].check(&AddressPrefix::of(address))
    }

    /// Counts a call of an authenticated caller.
    pub(crate) fn check_caller(&self, caller: &Actor) -> Result<(), RetryAfter> {
        self.by_caller.check(caller)
    }

    /// Removes full buckets at regular intervals, until shutdown.
    pub(crate) async fn maintain(&self, shutdown: CancellationToken) {
        let [page, sign_in, unauthenticated] = &self.by_address;
        let interval = self.cleanup_interval;
        tokio::join!(
            page.maintain(interval, shutdown.clone()),
            sign_in.maintain(interval, shutdown.clone()),
            unauthenticated.maintain(interval, shutdown.clone()),
            self.by_caller.maintain(interval, shutdown),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loading_pages_does_not_exhaust_sign_ins() {
        let limits = RateLimits::new(&LimitSettings {
            bucket_size: std::num::NonZeroU32::new(1),
            refill_rate: Some(0.1),
            ..LimitSettings::default()
        });
        let address = IpAddr::from([192, 0, 2, 1]);
        assert!(limits.check_address(Action::Page, address).is_ok());
        assert!(limits.check_address(Action::Page, address).is_err());
        assert!(limits.check_address(Action::SignIn, address).is_ok());
        assert!(limits.check_address(Action::Unauthenticated, address).is_ok());
    }

    #[test]
    fn callers_behind_one_address_are_counted_separately() {
        let settings =
            LimitSettings { bucket_size: std::num::NonZeroU32::new(1), ..LimitSettings::default() };
        let limits = RateLimits::new(&settings);
        assert!(limits.check_caller(&Actor::command_line("a")).is_ok());
        assert!(limits.check_caller(&Actor::command_line("a")).is_err());
        assert!(limits.check_caller(&Actor::command_line("b")).is_ok());
        assert!(check(&settings).is_ok());
    }
}
