//! `POST /1.0/remote-cluster`: a cluster enrols with a join token.

use bytes::Bytes;
use edge::body::RequestBody;
use edge::{Error, Peer, RequestId, Response, response};
use fleet::{Actor, Origin};
use protocol::JoinRequest;
use protocol::join::MAX_BODY_BYTES;
use protocol::join_token::PresentedToken;
use protocol::proof::Proof;
use secrecy::ExposeSecret as _;
use store::enrolment::{JoinError, JoinProof};

use crate::connector::Connector;
use crate::errors::from_store;
use crate::limits::Action;
use crate::metrics::Outcome;

impl Connector {
    /// Checks in the order of contract 1.2: format (400), proof and expiry (403), certificate (403), name (409).
    pub(crate) async fn join(
        &self,
        peer: &Peer,
        id: RequestId,
        authorization: Option<&str>,
        body: RequestBody,
    ) -> Result<Response, Error> {
        self.limits.check_address(Action::Join, peer.address.ip())?;
        self.ensure_prepared()?;
        let body = body.read(MAX_BODY_BYTES).await?;
        let request = JoinRequest::parse(&body).map_err(|error| Error::BadRequest(error.to_string()))?;
        let proof = proof(&request, authorization, &body).ok_or(Error::Forbidden)?;
        let presented = peer.certificate.fingerprint();
        let origin = origin(Actor::unknown(), peer, id);
        match self.store.join_cluster(&request, &proof, presented, &origin).await {
            Ok(uid) => {
                self.metrics.count_join(Outcome::Accepted);
                tracing::info!(cluster = %uid, name = %request.cluster_name, "a cluster joined");
                Ok(response::success(()))
            }
            Err(error) => {
                self.metrics.count_join(Outcome::Refused);
                Err(refusal(error, &request))
            }
        }
    }
}

/// The origin of a change, for the audit trail.
pub(crate) fn origin(actor: Actor, peer: &Peer, id: RequestId) -> Origin {
    Origin { actor, address: Some(peer.address.ip()), request_id: Some(id.to_string()) }
}

/// The proof in the request. If there is a header, only the header counts; otherwise the body contains the token.
fn proof(request: &JoinRequest, authorization: Option<&str>, body: &Bytes) -> Option<JoinProof> {
    if let Some(header) = authorization {
        return Some(JoinProof::Hmac { proof: Proof::parse(header).ok()?, body: body.clone() });
    }
    let token = PresentedToken::decode(request.token.as_ref()?.expose_secret()).ok()?;
    Some(JoinProof::Token(token))
}

fn refusal(error: JoinError, request: &JoinRequest) -> Error {
    let name = &request.cluster_name;
    match error {
        JoinError::Store(error) => return from_store(error),
        JoinError::NoSuchToken => tracing::info!(%name, "a join was refused: unknown token"),
        JoinError::Expired => tracing::info!(%name, "a join was refused: the token has expired"),
        JoinError::CertificateNotPresented => {
            tracing::info!(%name, "a join was refused: the connection uses another certificate");
        }
        JoinError::CertificateTaken(ref owner) => {
            tracing::info!(%name, owner, "a join was refused: the certificate is enrolled under another name");
        }
        JoinError::NameTaken => tracing::info!(%name, "a join was refused: the name is taken"),
    }
    match error {
        JoinError::Expired => Error::ForbiddenBecause("Join token has expired".to_owned()),
        JoinError::CertificateTaken(_) => {
            Error::Conflict("This certificate is already enrolled under another name".to_owned())
        }
        JoinError::NameTaken => Error::Conflict("A cluster of this name is already enrolled".to_owned()),
        _ => Error::Forbidden,
    }
}
