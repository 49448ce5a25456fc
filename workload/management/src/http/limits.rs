//! How often which action may be asked for, and by whom it is counted: whoever is signed in by who they are, anybody
//! else by address prefix, with one bucket an action, so that pages never use up the sign-ins'.

use std::net::IpAddr;
use std::time::Duration;

use edge::rate_limit::{AddressPrefix, InvalidQuota, LimitSettings, Limiter, RetryAfter};
use fleet::Actor;
use tokio_util::sync::CancellationToken;

/// What is counted by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Pages, their files, readiness.
    Page,
    /// Beginning and ending a session.
    SignIn,
    /// A call that must prove who calls, before it has.
    Stranger,
}

/// The buckets.
pub(crate) struct RateLimits {
    by_address: [Limiter<AddressPrefix>; 3],
    by_caller: Limiter<Actor>,
    cleanup_every: Duration,
}

/// What one person or program may ask for: a page of the UI asks for several things at once, a script for many.
const CALLER: (f64, u32) = (50.0, 500);

impl Action {
    const ALL: [Self; 3] = [Self::Page, Self::SignIn, Self::Stranger];

    /// The default: requests a second, and at once.
    const fn default_quota(self) -> (f64, u32) {
        match self {
            // An organisation may sit behind one address, a page loads a dozen files, and every call begins as a
            // stranger's, so that guessing is bounded.
            Self::Page | Self::Stranger => (200.0, 2000),
            Self::SignIn => (5.0, 100),
        }
    }
}

/// Whether every action's quota can be made of these settings.
pub fn check(settings: &LimitSettings) -> Result<(), InvalidQuota> {
    let mut quotas = Action::ALL.iter().map(|action| action.default_quota()).chain([CALLER]);
    quotas.try_for_each(|(rate, burst)| settings.quota(rate, burst).map(drop))
}

impl RateLimits {
    pub(crate) fn new(settings: &LimitSettings) -> Self {
        let max = settings.max_clients;
        let address = |action: Action| Limiter::new(settings.quota_or_strictest(action.default_quota()), max);
        Self {
            by_address: Action::ALL.map(address),
            by_caller: Limiter::new(settings.quota_or_strictest(CALLER), max),
            cleanup_every: settings.cleanup_interval,
        }
    }

    /// Counts an action of somebody who is known by address only.
    pub(crate) fn check_address(&self, action: Action, address: IpAddr) -> Result<(), RetryAfter> {
        self.by_address[action as usize].check(&AddressPrefix::of(address))
    }

    /// Counts a call of somebody who proved who they are.
    pub(crate) fn check_caller(&self, caller: &Actor) -> Result<(), RetryAfter> {
        self.by_caller.check(caller)
    }

    /// Forgets full buckets every so often, until shutdown.
    pub(crate) async fn maintain(&self, shutdown: CancellationToken) {
        let [page, sign_in, stranger] = &self.by_address;
        let every = self.cleanup_every;
        tokio::join!(
            page.maintain(every, shutdown.clone()),
            sign_in.maintain(every, shutdown.clone()),
            stranger.maintain(every, shutdown.clone()),
            self.by_caller.maintain(every, shutdown),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_never_use_up_the_sign_ins() {
        let limits = RateLimits::new(&LimitSettings {
            bucket_size: std::num::NonZeroU32::new(1),
            refill_rate: Some(0.1),
            ..LimitSettings::default()
        });
        let address = IpAddr::from([192, 0, 2, 1]);
        assert!(limits.check_address(Action::Page, address).is_ok());
        assert!(limits.check_address(Action::Page, address).is_err());
        assert!(limits.check_address(Action::SignIn, address).is_ok());
        assert!(limits.check_address(Action::Stranger, address).is_ok());
    }

    #[test]
    fn callers_behind_one_address_are_counted_each_by_themselves() {
        let settings =
            LimitSettings { bucket_size: std::num::NonZeroU32::new(1), ..LimitSettings::default() };
        let limits = RateLimits::new(&settings);
        assert!(limits.check_caller(&Actor::command_line("a")).is_ok());
        assert!(limits.check_caller(&Actor::command_line("a")).is_err());
        assert!(limits.check_caller(&Actor::command_line("b")).is_ok());
        assert!(check(&settings).is_ok());
    }
}
