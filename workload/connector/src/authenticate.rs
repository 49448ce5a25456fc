//! Finds the cluster behind a connection, before the body of a request is read.

use std::sync::Arc;

use edge::{ClientCertificate, ClientKey, Error, Peer};
use store::clusters::EnrolledCluster;
use time::OffsetDateTime;

use crate::connector::Connector;
use crate::errors::from_store;
use crate::limits::Action;

impl Connector {
    /// The enrolled cluster behind a connection. The request counts towards the cluster's rate limit. Without a certificate,
    /// with an unknown one or with several, it is a 403 and counts towards the limit of the address.
    pub(crate) async fn authenticate(
        &self,
        peer: &Peer,
        action: Action,
    ) -> Result<Arc<EnrolledCluster>, Error> {
        self.ensure_prepared()?;
        let known = match peer.certificate {
            ClientCertificate::One { fingerprint, .. } => self.identities.get(fingerprint),
            ClientCertificate::None | ClientCertificate::Several => None,
        };
        let identity = match known {
            Some(identity) => identity,
            None => self.look_up(peer).await?,
        };
        peer.authenticated_as(ClientKey::of(&identity.uid))?;
        self.limits.check_cluster(action, identity.uid)?;
        check_dates(&identity, OffsetDateTime::now_utc())?;
        Ok(identity)
    }

    async fn look_up(&self, peer: &Peer) -> Result<Arc<EnrolledCluster>, Error> {
        self.limits.check_address(Action::Stranger, peer.address.ip())?;
        let fingerprint = peer.certificate.fingerprint().ok_or(Error::Forbidden)?;
        self.identities.look_up(fingerprint).await.map_err(from_store)?.ok_or(Error::Forbidden)
    }
}

fn check_dates(identity: &EnrolledCluster, now: OffsetDateTime) -> Result<(), Error> {
    if now > identity.not_after {
        let date = identity.not_after.date();
        return Err(Error::ForbiddenBecause(format!("The cluster's certificate expired on {date}")));
    }
    if now < identity.not_before {
        let date = identity.not_before.date();
        return Err(Error::ForbiddenBecause(format!("The cluster's certificate is not valid before {date}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fleet::{ClusterId, ClusterUid, Thresholds};
    use protocol::{ClusterName, Fingerprint};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn known_certificate_outside_its_dates_is_refused_with_the_reason() {
        let identity = EnrolledCluster {
            id: ClusterId(1),
            uid: ClusterUid::new(),
            name: ClusterName::new("a").unwrap(),
            fingerprint: Fingerprint::of_der(b"a"),
            not_before: datetime!(2030-01-01 00:00 UTC),
            not_after: datetime!(2031-01-01 00:00 UTC),
            thresholds: Thresholds::default(),
        };
        let text = |now| check_dates(&identity, now).unwrap_err().to_string();
        assert!(check_dates(&identity, datetime!(2030-06-01 00:00 UTC)).is_ok());
        assert_eq!(text(datetime!(2031-06-01 00:00 UTC)), "The cluster's certificate expired on 2031-01-01");
        assert_eq!(
            text(datetime!(2029-06-01 00:00 UTC)),
            "The cluster's certificate is not valid before 2030-01-01"
        );
    }
}
