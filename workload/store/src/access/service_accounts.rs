//! Service accounts: programs that call the management API.

use fleet::service_account::ServiceAccountName;
use fleet::{CredentialId, Origin, Role, ServiceAccount, ServiceToken};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Row;

use super::credentials::notify_end;
use crate::database::pool::AsStoreError;
use crate::events::{self, NewEvent};
use crate::{Store, StoreError};

const COLUMNS: &str = "name, role, description, expiry, created_at, created_by, last_used_at";

/// A service account to be created.
#[derive(Debug, Clone)]
pub struct NewServiceAccount {
    /// Its name.
    pub name: ServiceAccountName,
    /// Its role.
    pub role: Role,
    /// A note by its creator.
    pub description: String,
    /// When it expires.
    pub expiry: OffsetDateTime,
}

/// Why a service account cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateServiceAccountError {
    /// There is a valid service account of this name.
    #[error("there is already a service account named \"{0}\"")]
    Exists(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AsStoreError for CreateServiceAccountError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

impl Store {
    /// Stores a new service account. It replaces an expired one of the same name.
    pub async fn put_service_account(
        &self,
        account: &NewServiceAccount,
        token: &ServiceToken,
        origin: &Origin,
    ) -> Result<(), CreateServiceAccountError> {
        let digest = token.digest();
        self.transaction("put_service_account", |tx| {
            Box::pin(async move {
                let NewServiceAccount { name, role, description, expiry } = account;
                let name = name.as_str();
                let sql = "-- put_service_account()
                    INSERT INTO service_accounts AS s (name, role, description, token_digest, expiry, created_by)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    ON CONFLICT (name) DO UPDATE SET role = excluded.role, description = excluded.description,
                        token_digest = excluded.token_digest, expiry = excluded.expiry, created_at = now(),
                        created_by = excluded.created_by, last_used_at = NULL
                    WHERE s.expiry <= now()";
                let creator = &origin.actor.name;
                let rows = tx
                    .execute(sql, &[&name, &role.as_str(), description, &digest.as_slice(), expiry, creator])
                    .await
                    .map_err(StoreError::from)?;
                if rows == 0 {
                    return Err(CreateServiceAccountError::Exists(name.to_owned()));
                }
                let event = NewEvent {
                    action: "service-account.created",
                    subject: Some(name),
                    after: Some(state(role.as_str(), description, *expiry)),
                    ..NewEvent::default()
                };
                Ok(events::record(&tx, origin, event).await?)
            })
        })
        .await
    }

    /// All service accounts, sorted by the bytes of their names, including expired ones.
    pub async fn service_accounts(&self) -> Result<Vec<ServiceAccount>, StoreError> {
        let sql = format!(
            "-- service_accounts()\nSELECT {COLUMNS} FROM service_accounts ORDER BY name COLLATE \"C\""
        );
        self.client().await?.query(&sql, &[]).await?.iter().map(service_account).collect()
    }

    /// Removes a service account, so that every unit refuses its token from now on. Returns whether it existed.
    pub async fn revoke_service_account(&self, name: &str, origin: &Origin) -> Result<bool, StoreError> {
        self.transaction("revoke_service_account", |tx| {
            Box::pin(async move {
                let sql = "-- revoke_service_account()
                    DELETE FROM service_accounts WHERE name = $1
                    RETURNING role, description, expiry, token_digest";
                let Some(row) = tx.query_opt(sql, &[&name]).await? else { return Ok(false) };
                let event = NewEvent {
                    action: "service-account.revoked",
                    subject: Some(name),
                    before: Some(state(
                        row.try_get("role")?,
                        row.try_get("description")?,
                        row.try_get("expiry")?,
                    )),
                    ..NewEvent::default()
                };
                events::record(&tx, origin, event).await?;
                let digest = <[u8; 32]>::try_from(row.try_get::<_, &[u8]>("token_digest")?);
                let digest =
                    digest.map_err(|error| StoreError::corrupt("service_accounts", "token_digest", error))?;
                notify_end(&tx, CredentialId(digest)).await?;
                Ok(true)
            })
        })
        .await
    }

    /// The account with this token, unless it has expired. It is queried for every request, so that all units refuse a
    /// revoked account at once.
    ///
    /// The database compares digests, not tokens. The time this takes reveals only something about a digest, and nobody
    /// can choose more than a few bytes of one.
    pub async fn service_account_by_token(
        &self,
        token: &ServiceToken,
    ) -> Result<Option<ServiceAccount>, StoreError> {
        let digest = token.digest();
        let client = self.client().await?;
        let sql = format!(
            "-- service_account_by_token()
            SELECT {COLUMNS}, coalesce(last_used_at <= now() - interval '1 minute', true) AS is_due
            FROM service_accounts WHERE token_digest = $1 AND expiry > now()"
        );
        let statement = client.prepare_cached(&sql).await?;
        let Some(row) = client.query_opt(&statement, &[&digest.as_slice()]).await? else { return Ok(None) };
        let account = service_account(&row)?;
        if row.try_get("is_due")? {
            // The request does not wait for it. Of concurrent requests only one writes.
            tokio::spawn(async move {
                let sql = "-- mark_service_account_used()
                    UPDATE service_accounts SET last_used_at = now() WHERE token_digest = (
                        SELECT token_digest FROM service_accounts WHERE token_digest = $1
                            AND coalesce(last_used_at <= now() - interval '1 minute', true)
                        FOR UPDATE SKIP LOCKED)";
                if let Err(error) = client.execute(sql, &[&digest.as_slice()]).await {
                    tracing::warn!(%error, "cannot record the last use of a service account");
                }
            });
        }
        Ok(Some(account))
    }
}

fn service_account(row: &Row) -> Result<ServiceAccount, StoreError> {
    let role: &str = row.try_get("role")?;
    Ok(ServiceAccount {
        name: row.try_get("name")?,
        role: Role::from_word(role)
            .ok_or_else(|| StoreError::corrupt("service_accounts", "role", "not a role"))?,
        description: row.try_get("description")?,
        expiry: row.try_get("expiry")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}

/// An account as events show it.
fn state(role: &str, description: &str, expiry: OffsetDateTime) -> serde_json::Value {
    let expiry = expiry.format(&Rfc3339).unwrap_or_default();
    json!({ "role": role, "description": description, "expiry": expiry })
}
