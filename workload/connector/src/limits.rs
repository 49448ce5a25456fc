//! The rate limit of each action.
//!
//! Enrolled clusters have buckets of their own, because behind a load balancer all of them may share one address. Other
//! clients are limited by address prefix, with a separate bucket for each action, so that probes never block joins.

use std::net::IpAddr;
use std::time::Duration;

use edge::rate_limit::{AddressPrefix, InvalidQuota, LimitSettings, Limiter, RetryAfter};
use fleet::ClusterUid;
use tokio_util::sync::CancellationToken;

/// A limited action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `GET /`: today's clients send it before every call.
    Probe,
    /// `GET /1.0/status`.
    Status,
    /// `POST /1.0/remote-cluster`.
    Join,
    /// A call that needs an enrolled certificate, by a client without one.
    Stranger,
    /// A heartbeat of an enrolled cluster.
    Heartbeat,
    /// Any other call of an enrolled cluster.
    ClusterCall,
}

/// The rate limiters of all actions.
pub struct RateLimits {
    by_address: [Limiter<AddressPrefix>; 4],
    by_cluster: [Limiter<ClusterUid>; 2],
    cleanup_interval: Duration,
}

impl Action {
    const ALL: [Self; 6] =
        [Self::Probe, Self::Status, Self::Join, Self::Stranger, Self::Heartbeat, Self::ClusterCall];

    /// The action as one word, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Status => "status",
            Self::Join => "join",
            Self::Stranger => "stranger",
            Self::Heartbeat => "heartbeat",
            Self::ClusterCall => "cluster_call",
        }
    }

    /// The default quota: requests per second, and the burst.
    const fn default_quota(self) -> (f64, u32) {
        match self {
            // Ten thousand clusters behind one address probe 170 times per second, and all at once after an outage.
            Self::Probe => (2000.0, 20_000),
            Self::Status => (50.0, 500),
            Self::Join | Self::Stranger => (20.0, 400),
            // Sixty times the default of today's clients, because their administrators can change the interval.
            Self::Heartbeat => (1.0, 30),
            Self::ClusterCall => (1.0, 20),
        }
    }
}

/// Checks that these settings lead to a valid quota for every action.
pub fn check(settings: &LimitSettings) -> Result<(), InvalidQuota> {
    let mut quotas = Action::ALL.iter().map(|action| action.default_quota());
    quotas.try_for_each(|(rate, burst)| settings.quota(rate, burst).map(drop))
}

impl RateLimits {
    /// Limiters with these settings.
    pub fn new(settings: &LimitSettings) -> Self {
        let max = settings.max_clients;
        let quota = |action: Action| settings.quota_or_strictest(action.default_quota());
        let address = |action: Action| Limiter::new(quota(action), max);
        let cluster = |action: Action| Limiter::new(quota(action), max);
        Self {
            by_address: [Action::Probe, Action::Status, Action::Join, Action::Stranger].map(address),
            by_cluster: [Action::Heartbeat, Action::ClusterCall].map(cluster),
            cleanup_interval: settings.cleanup_interval,
        }
    }

    /// Counts an action of a client that is known by its address only.
    pub fn check_address(&self, action: Action, address: IpAddr) -> Result<(), RetryAfter> {
        let index = match action {
            Action::Probe => 0,
            Action::Status => 1,
            Action::Join => 2,
            Action::Stranger | Action::Heartbeat | Action::ClusterCall => 3,
        };
        self.by_address[index].check(&AddressPrefix::of(address))
    }

    /// Counts an action of an enrolled cluster.
    pub fn check_cluster(&self, action: Action, cluster: ClusterUid) -> Result<(), RetryAfter> {
        self.by_cluster[usize::from(action != Action::Heartbeat)].check(&cluster)
    }

    /// Removes full buckets at the configured interval until shutdown.
    pub async fn maintain(&self, shutdown: CancellationToken) {
        let [probe, status, join, stranger] = &self.by_address;
        let [heartbeat, call] = &self.by_cluster;
        let interval = self.cleanup_interval;
        tokio::join!(
            probe.maintain(interval, shutdown.clone()),
            status.maintain(interval, shutdown.clone()),
            join.maintain(interval, shutdown.clone()),
            stranger.maintain(interval, shutdown.clone()),
            heartbeat.maintain(interval, shutdown.clone()),
            call.maintain(interval, shutdown),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn probes_never_block_joins() {
        let settings =
            LimitSettings { bucket_size: NonZeroU32::new(2), refill_rate: Some(0.1), ..Default::default() };
        let limits = RateLimits::new(&settings);
        assert!(limits.check_address(Action::Probe, ADDRESS).is_ok());
        assert!(limits.check_address(Action::Probe, ADDRESS).is_ok());
        assert!(limits.check_address(Action::Probe, ADDRESS).is_err());
        assert!(limits.check_address(Action::Join, ADDRESS).is_ok());
        assert!(limits.check_address(Action::Stranger, ADDRESS).is_ok());
    }

    #[test]
    fn bucket_that_takes_years_to_refill_is_refused() {
        let settings = LimitSettings {
            bucket_size: NonZeroU32::new(1_000_000),
            refill_rate: Some(0.01),
            ..Default::default()
        };
        assert!(check(&settings).is_err());
        assert!(check(&LimitSettings::default()).is_ok());
    }

    #[test]
    fn one_cluster_does_not_slow_down_another() {
        let limits = RateLimits::new(&LimitSettings::default());
        let (loud, quiet) = (ClusterUid::new(), ClusterUid::new());
        while limits.check_cluster(Action::Heartbeat, loud).is_ok() {}
        assert!(limits.check_cluster(Action::Heartbeat, quiet).is_ok());
        assert!(limits.check_cluster(Action::ClusterCall, loud).is_ok());
    }

    #[test]
    fn all_clusters_behind_one_address_can_return_at_once() {
        let limits = RateLimits::new(&LimitSettings::default());
        assert!((0..20_000).all(|_| limits.check_address(Action::Probe, ADDRESS).is_ok()));
    }
}
