//! `POST /1.0/remote-cluster`: a cluster enrols with a join token.

use bytes::Bytes;
use edge::body::RequestBody;
use edge::{Error, Peer, RequestId, Response};
use fleet::{Actor, Origin};
use protocol::join::MAX_BODY_BYTES;
use protocol::join_token::PresentedToken;
use protocol::proof::Proof;
use protocol::{Fingerprint, JoinRequest};
use secrecy::ExposeSecret as _;
use store::enrolment::{JoinError, JoinProof};
use time::OffsetDateTime;

use crate::authenticate::outside_dates;
use crate::call::Call;
use crate::connector::Connector;
use crate::deadline::Deadline;
use crate::errors::from_store;
use crate::join_refusals::Reason;
use crate::limits::Action;
use crate::metrics::Outcome;

impl Connector {
    /// Checks in the order of contract 1.2: format and dates (400), proof and expiry (403), certificate (403), name (409).
    pub(crate) async fn join(
        &self,
        call: Call,
        authorization: Option<&str>,
        body: RequestBody,
    ) -> Result<Response, Error> {
        self.limits.check_address(Action::Join, call.peer.address.ip())?;
        self.ensure_prepared()?;
        let body = body.read(MAX_BODY_BYTES).await?;
        let request = JoinRequest::parse(&body).map_err(|error| Error::BadRequest(error.to_string()))?;
        let origin = origin(Actor::unknown(), &call.peer, call.id);
        match self.enrol(&request, authorization, body, &call, &origin).await {
            Ok(response) => {
                self.metrics.count_join(Outcome::Accepted);
                Ok(response)
            }
            Err(Failure::Refused(reason, error)) => {
                self.metrics.count_join(Outcome::Refused);
                tracing::info!(name = %request.cluster_name, reason = reason.as_str(), "a join was refused");
                self.join_refusals.note(reason, &request.cluster_name, origin);
                Err(error)
            }
            Err(Failure::Failed(error)) => {
                self.metrics.count_join(Outcome::Refused);
                Err(error)
            }
        }
    }

    async fn enrol(
        &self,
        request: &JoinRequest,
        authorization: Option<&str>,
        body: Bytes,
        call: &Call,
        origin: &Origin,
    ) -> Result<Response, Failure> {
        let dates = (request.certificate.not_before, request.certificate.not_after);
        if let Some(problem) = outside_dates(dates, OffsetDateTime::now_utc()) {
            return Err(Failure::Refused(Reason::CertificateOutsideItsDates, Error::BadRequest(problem)));
        }
        let Some(proof) = proof(request, authorization, body) else {
            return Err(Failure::Refused(Reason::NoValidProof, Error::Forbidden));
        };
        let presented = call.peer.certificate.fingerprint();
        let mut deadline = Deadline::of_call();
        let joining = self.store.join_cluster(request, &proof, presented, origin);
        let outcome = match deadline.within(joining).await {
            Ok(outcome) => outcome.map_err(failure),
            Err(error) => Err(Failure::Failed(error)),
        };
        let name = &request.cluster_name;
        match outcome {
            Ok(uid) => tracing::info!(cluster = %uid, %name, "a cluster joined"),
            Err(Failure::Failed(error)) => {
                if let Some(presented) = presented {
                    self.unanswered_joins.remember(presented);
                }
                return Err(Failure::Failed(error));
            }
            Err(refused) => {
                if !self.has_joined_unanswered(request, presented, &mut deadline).await {
                    return Err(refused);
                }
                tracing::info!(%name, "a cluster learns that it joined, after an earlier call had timed out");
            }
        }
        Ok(call.caller.success(()))
    }

    /// Whether this certificate is enrolled under this name, and an earlier call of it to join was answered with a 503.
    async fn has_joined_unanswered(
        &self,
        request: &JoinRequest,
        presented: Option<Fingerprint>,
        deadline: &mut Deadline,
    ) -> bool {
        let own = presented.filter(|presented| *presented == request.certificate.fingerprint);
        let Some(fingerprint) = own.filter(|own| self.unanswered_joins.contains(*own)) else { return false };
        let found = deadline.within(self.identities.look_up(fingerprint)).await;
        let found = found.ok().and_then(Result::ok).flatten();
        found.is_some_and(|cluster| cluster.name == request.cluster_name)
    }
}

/// Why a join did not succeed.
enum Failure {
    /// It is not allowed, which the audit trail tells.
    Refused(Reason, Error),
    /// It may succeed later.
    Failed(Error),
}

/// The origin of a change, for the audit trail.
pub(crate) fn origin(actor: Actor, peer: &Peer, id: RequestId) -> Origin {
    Origin { actor, address: Some(peer.address.ip()), request_id: Some(id.to_string()) }
}

/// The proof in the request. If there is a header, only the header counts; otherwise the body contains the token.
fn proof(request: &JoinRequest, authorization: Option<&str>, body: Bytes) -> Option<JoinProof> {
    if let Some(header) = authorization {
        return Some(JoinProof::Hmac { proof: Proof::parse(header).ok()?, body });
    }
    let token = PresentedToken::decode(request.token.as_ref()?.expose_secret()).ok()?;
    Some(JoinProof::Token(token))
}

fn failure(error: JoinError) -> Failure {
    let (reason, response) = match error {
        JoinError::Store(error) => return Failure::Failed(from_store(error)),
        JoinError::NoSuchToken => (Reason::NoValidProof, Error::Forbidden),
        JoinError::Expired => {
            (Reason::TokenExpired, Error::ForbiddenBecause("Join token has expired".to_owned()))
        }
        JoinError::CertificateNotPresented => (Reason::CertificateNotPresented, Error::Forbidden),
        JoinError::CertificateTaken(_) => (
            Reason::CertificateTaken,
            Error::Conflict("This certificate is already enrolled under another name".to_owned()),
        ),
        JoinError::NameTaken => {
            (Reason::NameTaken, Error::Conflict("A cluster of this name is already enrolled".to_owned()))
        }
    };
    Failure::Refused(reason, response)
}
