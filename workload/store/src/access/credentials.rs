//! What a caller presented, as the database knows it, and notices of its end.

use fleet::CredentialId;
use tokio_postgres::Transaction;

use crate::database::changes::{Change, notify};
use crate::{Store, StoreError};

impl Store {
    /// Whether a session or a service account is still there, for a listener that may have missed a notice.
    pub async fn credential_exists(&self, id: CredentialId) -> Result<bool, StoreError> {
        let sql = "-- credential_exists()
            SELECT EXISTS (SELECT FROM sessions WHERE id = $1)
                OR EXISTS (SELECT FROM service_accounts WHERE token_digest = $1) AS is_there";
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_one(&statement, &[&id.0.as_slice()]).await?.try_get("is_there")?)
    }
}

/// Tells every unit, when the transaction commits, that this is no longer accepted.
pub(super) async fn notify_end(tx: &Transaction<'_>, id: CredentialId) -> Result<(), StoreError> {
    notify(tx, Change::CredentialEnded(id)).await
}
