//! Enrolled clusters as certificates find them: what a heartbeat needs to know before it is read.

use fleet::{ClusterId, ClusterUid, Percent, Thresholds};
use protocol::{ClusterName, Fingerprint};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::{Store, StoreError};

/// Who presents a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The number of its rows.
    pub id: ClusterId,
    /// Who it is.
    pub uid: ClusterUid,
    /// What it is called.
    pub name: ClusterName,
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The certificate's first valid moment.
    pub not_before: OffsetDateTime,
    /// Its last.
    pub not_after: OffsetDateTime,
    /// When to warn about the cluster.
    pub thresholds: Thresholds,
}

const COLUMNS: &str = "c.id, c.uid, c.name, c.certificate_fingerprint, c.certificate_not_before,
    c.certificate_not_after, disk.value, memory.value
    FROM remote_clusters AS c
    LEFT JOIN remote_cluster_config AS disk ON disk.remote_cluster_id = c.id AND disk.key = 'disk_threshold'
    LEFT JOIN remote_cluster_config AS memory ON memory.remote_cluster_id = c.id AND memory.key = 'memory_threshold'";

impl Store {
    /// Everybody.
    pub async fn identities(&self) -> Result<Vec<Identity>, StoreError> {
        let sql = format!("-- identities()\nSELECT {COLUMNS}");
        self.client().await?.query(&sql, &[]).await?.iter().map(identity).collect()
    }

    /// Who presents this certificate.
    pub async fn identity_by_fingerprint(&self, wanted: Fingerprint) -> Result<Option<Identity>, StoreError> {
        self.find_identity("c.certificate_fingerprint = $1", &wanted.as_bytes().as_slice()).await
    }

    /// Who this is.
    pub async fn identity_by_uid(&self, wanted: ClusterUid) -> Result<Option<Identity>, StoreError> {
        self.find_identity("c.uid = $1", &wanted.0).await
    }

    async fn find_identity(
        &self,
        condition: &str,
        wanted: &(dyn ToSql + Sync),
    ) -> Result<Option<Identity>, StoreError> {
        let client = self.client().await?;
        let statement =
            client.prepare_cached(&format!("-- find_identity()\nSELECT {COLUMNS} WHERE {condition}")).await?;
        client.query_opt(&statement, &[wanted]).await?.as_ref().map(identity).transpose()
    }
}

fn identity(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        id: ClusterId(row.try_get(0)?),
        uid: ClusterUid(row.try_get(1)?),
        name: ClusterName::from_stored(row.try_get(2)?),
        fingerprint: fingerprint(row.try_get(3)?)?,
        not_before: row.try_get(4)?,
        not_after: row.try_get(5)?,
        thresholds: thresholds(row.try_get(6)?, row.try_get(7)?),
    })
}

pub(crate) fn fingerprint(bytes: &[u8]) -> Result<Fingerprint, StoreError> {
    let corrupt = |error| StoreError::corrupt("remote_clusters", "certificate_fingerprint", error);
    Fingerprint::try_from(bytes).map_err(corrupt)
}

/// Thresholds as the key-value table keeps them; absent and unreadable ones are the default.
pub(crate) fn thresholds(disk: Option<&str>, memory: Option<&str>) -> Thresholds {
    let percent = |text: Option<&str>| text?.parse().ok().and_then(|number| Percent::new(number).ok());
    let default = Thresholds::default();
    Thresholds {
        disk: percent(disk).unwrap_or(default.disk),
        memory: percent(memory).unwrap_or(default.memory),
    }
}
