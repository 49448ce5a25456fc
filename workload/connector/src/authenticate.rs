//! Finds the cluster behind a connection, before the body of a request is read.

use std::sync::Arc;

use edge::rate_limit::RetryAfter;
use edge::{ClientKey, Error, Peer};
use store::clusters::EnrolledCluster;
use time::OffsetDateTime;

use crate::connector::Connector;
use crate::deadline::Deadline;
use crate::errors::from_store;
use crate::limits::Action;

impl Connector {
    /// The enrolled cluster behind a connection. The request counts towards the cluster's rate limit. Without a certificate,
    /// with an unknown one or with several, it is a 403 and counts towards the limit of the address.
    pub(crate) async fn authenticate(
        &self,
        peer: &Peer,
        action: Action,
        deadline: &mut Deadline,
    ) -> Result<Arc<EnrolledCluster>, Error> {
        self.ensure_prepared()?;
        let identity = match self.known_cluster(peer) {
            Some(identity) => identity,
            None => self.look_up(peer, deadline).await?,
        };
        peer.authenticated_as(ClientKey::of(&identity.uid))?;
        self.limits.check_cluster(action, identity.uid)?;
        match outside_dates((identity.not_before, identity.not_after), OffsetDateTime::now_utc()) {
            Some(problem) => Err(Error::ForbiddenBecause(problem)),
            None => Ok(identity),
        }
    }

    /// Counts a request that leads nowhere: for a cluster in the cache as one of its calls, otherwise as one of a stranger.
    pub(crate) fn check_stray(&self, peer: &Peer) -> Result<(), RetryAfter> {
        match self.known_cluster(peer) {
            Some(cluster) => self.limits.check_cluster(Action::ClusterCall, cluster.uid),
            None => self.limits.check_address(Action::Stranger, peer.address.ip()),
        }
    }

    fn known_cluster(&self, peer: &Peer) -> Option<Arc<EnrolledCluster>> {
        self.identities.get(peer.certificate.fingerprint()?)
    }

    async fn look_up(&self, peer: &Peer, deadline: &mut Deadline) -> Result<Arc<EnrolledCluster>, Error> {
        self.limits.check_address(Action::Stranger, peer.address.ip())?;
        let fingerprint = peer.certificate.fingerprint().ok_or(Error::Forbidden)?;
        let found = deadline.within(self.identities.look_up(fingerprint)).await?;
        found.map_err(from_store)?.ok_or(Error::Forbidden)
    }
}

/// What is wrong with a certificate with these dates of validity, from and to, at this time.
pub(crate) fn outside_dates(
    (not_before, not_after): (OffsetDateTime, OffsetDateTime),
    now: OffsetDateTime,
) -> Option<String> {
    if now > not_after {
        return Some(format!("The cluster's certificate expired on {}", not_after.date()));
    }
    (now < not_before).then(|| format!("The cluster's certificate is not valid before {}", not_before.date()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn certificate_outside_its_dates_is_refused_with_the_reason() {
        let dates = (datetime!(2030-01-01 00:00 UTC), datetime!(2031-01-01 00:00 UTC));
        let problem = |now| outside_dates(dates, now).unwrap_or_default();
        assert_eq!(problem(datetime!(2030-06-01 00:00 UTC)), "");
        assert_eq!(
            problem(datetime!(2031-06-01 00:00 UTC)),
            "The cluster's certificate expired on 2031-01-01"
        );
        assert_eq!(
            problem(datetime!(2029-06-01 00:00 UTC)),
            "The cluster's certificate is not valid before 2030-01-01"
        );
    }
}
