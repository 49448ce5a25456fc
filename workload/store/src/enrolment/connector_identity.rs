//! The connector's leaf certificate, which every enrolled cluster pins. Changing it cuts off all clusters, so it must be
//! confirmed explicitly.

use protocol::Fingerprint;

use crate::clusters::certificates::fingerprint;
use crate::database::pool::AsStoreError;
use crate::{Store, StoreError};

/// Why a connector must not use its certificate.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// Enrolled clusters pin another certificate.
    #[error(
        "this connector's certificate is {presented}, but the enrolled clusters ({clusters}) pin {pinned} and would all \
         be cut off"
    )]
    Pinned {
        /// The certificate that the clusters pin.
        pinned: Fingerprint,
        /// The connector's certificate.
        presented: Fingerprint,
        /// The number of enrolled clusters.
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
    /// The certificate that connectors present, or `None` before the first connector has started.
    pub async fn connector_leaf(&self) -> Result<Option<Fingerprint>, StoreError> {
        let sql = "-- connector_leaf()\nSELECT leaf_fingerprint FROM connector_identity";
        let row = self.client().await?.query_opt(sql, &[]).await?;
        row.map(|row| fingerprint(row.try_get("leaf_fingerprint")?)).transpose()
    }

    /// Records the certificate that this connector presents. While clusters are enrolled, a certificate other than the
    /// recorded one is refused, unless `confirmed` is its fingerprint.
    pub async fn pin_connector_leaf(
        &self,
        presented: Fingerprint,
        confirmed: Option<Fingerprint>,
    ) -> Result<(), PinError> {
        self.transaction("pin_connector_leaf", |tx| {
            Box::pin(async move {
                let bytes = presented.as_bytes().as_slice();
                let sql = "-- pin_connector_leaf()
                    INSERT INTO connector_identity (leaf_fingerprint) VALUES ($1) ON CONFLICT DO NOTHING";
                tx.execute(sql, &[&bytes]).await?;
                let sql = "-- pin_connector_leaf()
                    SELECT leaf_fingerprint, (SELECT count(*) FROM remote_clusters) AS clusters
                    FROM connector_identity FOR UPDATE";
                let row = tx.query_one(sql, &[]).await?;
                let pinned = fingerprint(row.try_get("leaf_fingerprint")?)?;
                let clusters: i64 = row.try_get("clusters")?;
                if pinned == presented {
                    return Ok(());
                }
                if clusters > 0 && confirmed != Some(presented) {
                    return Err(PinError::Pinned { pinned, presented, clusters });
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
