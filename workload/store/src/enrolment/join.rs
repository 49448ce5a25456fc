//! Joining, leaving and removal: the transactions that create and delete a cluster.

use bytes::Bytes;
use fleet::{Actor, ActorKind, ClusterUid, Origin};
use protocol::join_token::{PresentedToken, SecretDigest};
use protocol::proof::Proof;
use protocol::{Fingerprint, JoinRequest};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio_postgres::{Row, Transaction};

use crate::clusters::certificates::fingerprint;
use crate::database::changes::{Change, notify};
use crate::database::pool::AsStoreError;
use crate::enrolment::join_tokens::{LockedToken, lock_join_token};
use crate::events::{self, NewEvent};
use crate::{Crypter, Store, StoreError};

/// How a cluster proves that it has the token.
#[derive(Debug, Clone)]
pub enum JoinProof {
    /// The token is in the body.
    Token(PresentedToken),
    /// The body is signed with the token's secret.
    Hmac {
        /// The signature, from the header.
        proof: Proof,
        /// The exact bytes that were signed.
        body: Bytes,
    },
}

/// Why a cluster could not join, in the order of the checks (contract 1.2). The token stays unused in all cases.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is no such token, or the proof is wrong. One case on purpose: it tells nothing to a caller without a token.
    #[error("there is no unused join token that matches")]
    NoSuchToken,
    /// The proof is right, but the token has expired.
    #[error("the join token has expired")]
    Expired,
    /// The certificate in the body is not the TLS client certificate.
    #[error("the certificate in the body is not the connection's client certificate")]
    CertificateNotPresented,
    /// A cluster with this certificate is already enrolled.
    #[error("this certificate is already enrolled as \"{0}\"")]
    CertificateTaken(String),
    /// A cluster of this name was enrolled in the meantime.
    #[error("a cluster of this name is already enrolled")]
    NameTaken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AsStoreError for JoinError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

impl From<tokio_postgres::Error> for JoinError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Enrols a cluster and deletes its token, both or neither. `presented` is the fingerprint of the TLS client
    /// certificate, if the connection had exactly one. The event takes the request's address and id from `from`; its
    /// actor is the cluster.
    pub async fn join_cluster(
        &self,
        request: &JoinRequest,
        proof: &JoinProof,
        presented: Option<Fingerprint>,
        from: &Origin,
    ) -> Result<ClusterUid, JoinError> {
        self.transaction("join_cluster", |tx| {
            Box::pin(async move {
                let name = request.cluster_name.as_str();
                let token = lock_join_token(&tx, name).await?.ok_or(JoinError::NoSuchToken)?;
                if !proof.is_valid(&token, name, &self.crypter) {
                    return Err(JoinError::NoSuchToken);
                }
                if token.is_expired {
                    return Err(JoinError::Expired);
                }
                if presented != Some(request.certificate.fingerprint) {
                    return Err(JoinError::CertificateNotPresented);
                }
                let uid = insert_cluster(&tx, request, &token.description).await?;
                let sql = "-- join_cluster()\nDELETE FROM remote_cluster_tokens WHERE cluster_name = $1";
                tx.execute(sql, &[&name]).await?;
                let event = NewEvent {
                    action: "cluster.joined",
                    cluster_uid: Some(uid),
                    cluster_name: Some(name),
                    after: Some(json!({
                        "description": token.description,
                        "certificate_fingerprint": request.certificate.fingerprint.to_string(),
                    })),
                    ..NewEvent::default()
                };
                let actor = Actor { kind: ActorKind::Cluster, id: uid.to_string(), name: name.to_owned() };
                events::record(&tx, &Origin { actor, ..from.clone() }, event).await?;
                notify(&tx, Change::Joined(uid)).await?;
                Ok(uid)
            })
        })
        .await
    }

    /// Removes a cluster and all its data. Returns whether it existed.
    pub async fn remove_cluster(&self, name: &str, origin: &Origin) -> Result<bool, StoreError> {
        self.transaction("remove_cluster", |tx| {
            Box::pin(async move {
                let sql = "-- remove_cluster()
                    DELETE FROM remote_clusters WHERE name = $1
                    RETURNING uid, description, certificate_fingerprint";
                let Some(row) = tx.query_opt(sql, &[&name]).await? else { return Ok(false) };
                let uid = ClusterUid(row.try_get("uid")?);
                let event = removal("cluster.removed", uid, name, &row)?;
                events::record(&tx, origin, event).await?;
                notify(&tx, Change::Removed(uid)).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Removes a cluster that leaves. Returns whether it existed.
    pub async fn leave(&self, uid: ClusterUid, origin: &Origin) -> Result<bool, StoreError> {
        self.transaction("leave", |tx| {
            Box::pin(async move {
                let sql = "-- leave()
                    DELETE FROM remote_clusters WHERE uid = $1 RETURNING name, description, certificate_fingerprint";
                let Some(row) = tx.query_opt(sql, &[&uid.0]).await? else { return Ok(false) };
                let event = removal("cluster.left", uid, row.try_get("name")?, &row)?;
                events::record(&tx, origin, event).await?;
                notify(&tx, Change::Removed(uid)).await?;
                Ok(true)
            })
        })
        .await
    }
}

/// The event for a deleted cluster, whose row has `description` and `certificate_fingerprint`.
fn removal<'a>(
    action: &'static str,
    uid: ClusterUid,
    name: &'a str,
    row: &Row,
) -> Result<NewEvent<'a>, StoreError> {
    let description: &str = row.try_get("description")?;
    let certificate = fingerprint(row.try_get("certificate_fingerprint")?)?.to_string();
    Ok(NewEvent {
        action,
        cluster_uid: Some(uid),
        cluster_name: Some(name),
        before: Some(json!({ "description": description, "certificate_fingerprint": certificate })),
        ..NewEvent::default()
    })
}

impl JoinProof {
    fn is_valid(&self, token: &LockedToken, name: &str, crypter: &Crypter) -> bool {
        match self {
            Self::Token(presented) => {
                let Ok(digest) = <[u8; 32]>::try_from(token.digest.as_slice()) else { return false };
                SecretDigest::from_bytes(digest).matches(&presented.secret) && presented.server_name == name
            }
            // If the secret was encrypted with a key that is no longer available, the token is void.
            Self::Hmac { proof, body } => crypter
                .open_join_token_secret(name, &token.sealed_secret)
                .is_ok_and(|secret| proof.verifies(secret.expose_secret(), body)),
        }
    }
}

async fn insert_cluster(
    tx: &Transaction<'_>,
    request: &JoinRequest,
    description: &str,
) -> Result<ClusterUid, JoinError> {
    let uid = ClusterUid::new();
    let certificate = &request.certificate;
    let fingerprint = certificate.fingerprint.as_bytes().as_slice();
    let sql = "-- join_cluster()
        INSERT INTO remote_clusters (uid, name, description, cluster_certificate, certificate_fingerprint,
            certificate_not_before, certificate_not_after)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id";
    let inserted = tx
        .query_opt(
            sql,
            &[
                &uid.0,
                &request.cluster_name.as_str(),
                &description,
                &certificate.to_pem(),
                &fingerprint,
                &certificate.not_before,
                &certificate.not_after,
            ],
        )
        .await?;
    let Some(row) = inserted else {
        let sql = "-- join_cluster()\nSELECT name FROM remote_clusters WHERE certificate_fingerprint = $1";
        let owner = tx.query_opt(sql, &[&fingerprint]).await?;
        return Err(match owner {
            Some(row) => JoinError::CertificateTaken(row.try_get("name")?),
            None => JoinError::NameTaken,
        });
    };
    let id: i32 = row.try_get("id")?;
    let sql = "-- join_cluster()
        WITH details AS (INSERT INTO remote_cluster_details (remote_cluster_id) VALUES ($1))
        INSERT INTO remote_cluster_liveness (remote_cluster_id, heard_at)
        SELECT $1, service FROM service_clock";
    tx.execute(sql, &[&id]).await?;
    Ok(uid)
}
