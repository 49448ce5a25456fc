//! The leaf certificate that every enrolled cluster pins: changing it cuts all of them off, so it is a deliberate act.

use protocol::Fingerprint;

use crate::identities::fingerprint;
use crate::pool::AsStoreError;
use crate::{Store, StoreError};

/// Why a connector must not show its certificate.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// Clusters that are enrolled pin another leaf.
    #[error(
        "this connector's certificate is {shown}, but the enrolled clusters ({clusters}) pin {pinned} and would all be \
         cut off"
    )]
    Pinned {
        /// The leaf that they pin.
        pinned: Fingerprint,
        /// The leaf that was to be shown.
        shown: Fingerprint,
        /// How many they are.
        clusters: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AsStoreError for PinError {
    fn as_store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

impl From<tokio_postgres::Error> for PinError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// The leaf that connectors show; none before the first has started.
    pub async fn connector_leaf(&self) -> Result<Option<Fingerprint>, StoreError> {
        let sql = "-- connector_leaf()\nSELECT leaf_fingerprint FROM connector_identity";
        let row = self.client().await?.query_opt(sql, &[]).await?;
        row.map(|row| fingerprint(row.try_get(0)?)).transpose()
    }

    /// Says which leaf this connector shows. Another one than before is refused while clusters are enrolled, unless
    /// it is `wanted` by its very fingerprint.
    pub async fn pin_connector_leaf(
        &self,
        shown: Fingerprint,
        wanted: Option<Fingerprint>,
    ) -> Result<(), PinError> {
        self.transaction("pin_connector_leaf", |tx| {
            Box::pin(async move {
                let bytes = shown.as_bytes().as_slice();
                let sql = "-- pin_connector_leaf()
                    INSERT INTO connector_identity (leaf_fingerprint) VALUES ($1) ON CONFLICT DO NOTHING";
                tx.execute(sql, &[&bytes]).await?;
                let sql = "-- pin_connector_leaf()
                    SELECT leaf_fingerprint, (SELECT count(*) FROM remote_clusters)
                    FROM connector_identity FOR UPDATE";
                let row = tx.query_one(sql, &[]).await?;
                let (pinned, clusters): (Fingerprint, i64) = (fingerprint(row.try_get(0)?)?, row.try_get(1)?);
                if pinned == shown {
                    return Ok(());
                }
                if clusters > 0 && wanted != Some(shown) {
                    return Err(PinError::Pinned { pinned, shown, clusters });
                }
                let sql = "-- pin_connector_leaf()
                    UPDATE connector_identity SET leaf_fingerprint = $1, since = now()";
                tx.execute(sql, &[&bytes]).await?;
                Ok(())
            })
        })
        .await
    }
}
