//! Join tokens that have not been used yet.

use fleet::{Origin, PendingToken};
use protocol::{ClusterName, Secret};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::{Row, Transaction};

use crate::database::pool::AsStoreError;
use crate::events::{self, NewEvent};
use crate::{Store, StoreError};

/// Why a token cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    /// A cluster of this name is enrolled.
    #[error("a cluster named \"{0}\" is already enrolled")]
    ClusterExists(ClusterName),
    /// There is a valid token of this name.
    #[error("there is already a valid join token for \"{0}\"")]
    TokenExists(ClusterName),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AsStoreError for CreateTokenError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

impl Store {
    /// The time by the database's clock, which decides when something expires.
    pub async fn now(&self) -> Result<OffsetDateTime, StoreError> {
        Ok(self
            .client()
            .await?
            .query_one("-- now()\nSELECT clock_timestamp() AS now", &[])
            .await?
            .try_get("now")?)
    }

    /// Stores a new token. It replaces an expired one of the same name.
    pub async fn put_join_token(
        &self,
        token: &PendingToken,
        secret: &Secret,
        origin: &Origin,
    ) -> Result<(), CreateTokenError> {
        let sealed = &self.crypter.seal_join_token_secret(token.cluster_name.as_str(), secret)?;
        let digest = secret.digest();
        self.transaction("put_join_token", |tx| {
            Box::pin(async move {
                let name = token.cluster_name.as_str();
                let sql = "-- put_join_token()\nSELECT 1 FROM remote_clusters WHERE name = $1";
                if tx.query_opt(sql, &[&name]).await.map_err(StoreError::from)?.is_some() {
                    return Err(CreateTokenError::ClusterExists(token.cluster_name.clone()));
                }
                let sql = "-- put_join_token()
                    INSERT INTO remote_cluster_tokens AS t
                        (cluster_name, description, secret_digest, sealed_secret, expiry, created_at)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    ON CONFLICT (cluster_name) DO UPDATE SET description = excluded.description,
                        secret_digest = excluded.secret_digest, sealed_secret = excluded.sealed_secret,
                        expiry = excluded.expiry, created_at = excluded.created_at
                    WHERE t.expiry <= now()";
                let digest = digest.as_bytes().as_slice();
                let rows = tx
                    .execute(
                        sql,
                        &[&name, &token.description, &digest, sealed, &token.expiry, &token.created_at],
                    )
                    .await
                    .map_err(StoreError::from)?;
                if rows == 0 {
                    return Err(CreateTokenError::TokenExists(token.cluster_name.clone()));
                }
                let event = NewEvent {
                    action: "token.created",
                    cluster_name: Some(name),
                    after: Some(state(&token.description, token.expiry)),
                    ..NewEvent::default()
                };
                Ok(events::record(&tx, origin, event).await?)
            })
        })
        .await
    }

    /// All unused tokens, oldest first, including expired ones.
    pub async fn join_tokens(&self) -> Result<Vec<PendingToken>, StoreError> {
        let sql = "-- join_tokens()
            SELECT cluster_name, description, expiry, created_at FROM remote_cluster_tokens ORDER BY created_at, id";
        self.client().await?.query(sql, &[]).await?.iter().map(pending_token).collect()
    }

    /// Revokes a token. Returns whether it existed.
    pub async fn revoke_join_token(&self, name: &str, origin: &Origin) -> Result<bool, StoreError> {
        self.transaction("revoke_join_token", |tx| {
            Box::pin(async move {
                let sql = "-- revoke_join_token()
                    DELETE FROM remote_cluster_tokens WHERE cluster_name = $1 RETURNING description, expiry";
                let Some(row) = tx.query_opt(sql, &[&name]).await? else { return Ok(false) };
                let event = NewEvent {
                    action: "token.revoked",
                    cluster_name: Some(name),
                    before: Some(state(row.try_get("description")?, row.try_get("expiry")?)),
                    ..NewEvent::default()
                };
                events::record(&tx, origin, event).await?;
                Ok(true)
            })
        })
        .await
    }
}

/// A token as events show it.
fn state(description: &str, expiry: OffsetDateTime) -> serde_json::Value {
    json!({ "description": description, "expiry": expiry.format(&Rfc3339).unwrap_or_default() })
}

/// A token's row, locked until the transaction ends.
pub(crate) struct LockedToken {
    pub(crate) description: String,
    pub(crate) is_expired: bool,
    pub(crate) digest: Vec<u8>,
    pub(crate) sealed_secret: Vec<u8>,
}

/// Locks the token of this name. Of several joins at once, one proceeds and the others find the token deleted.
pub(crate) async fn lock_join_token(
    tx: &Transaction<'_>,
    name: &str,
) -> Result<Option<LockedToken>, StoreError> {
    let sql = "-- lock_join_token()
        SELECT description, expiry <= now() AS is_expired, secret_digest, sealed_secret
        FROM remote_cluster_tokens WHERE cluster_name = $1 FOR UPDATE";
    let Some(row) = tx.query_opt(sql, &[&name]).await? else { return Ok(None) };
    Ok(Some(LockedToken {
        description: row.try_get("description")?,
        is_expired: row.try_get("is_expired")?,
        digest: row.try_get("secret_digest")?,
        sealed_secret: row.try_get("sealed_secret")?,
    }))
}

fn pending_token(row: &Row) -> Result<PendingToken, StoreError> {
    Ok(PendingToken {
        cluster_name: ClusterName::from_stored(row.try_get("cluster_name")?),
        description: row.try_get("description")?,
        expiry: row.try_get("expiry")?,
        created_at: row.try_get("created_at")?,
    })
}
