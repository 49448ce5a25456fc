//! Enrolled clusters found by their certificates: what must be known of a cluster before its request is read.

use fleet::{ClusterId, ClusterUid, Percent, Thresholds};
use protocol::{ClusterName, Fingerprint};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::{Store, StoreError};

/// An enrolled cluster, as its certificate identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledCluster {
    /// The key of its rows.
    pub id: ClusterId,
    /// Its UID.
    pub uid: ClusterUid,
    /// Its name.
    pub name: ClusterName,
    /// The fingerprint of its certificate.
    pub fingerprint: Fingerprint,
    /// When the certificate becomes valid.
    pub not_before: OffsetDateTime,
    /// When the certificate expires.
    pub not_after: OffsetDateTime,
    /// Its warning thresholds.
    pub thresholds: Thresholds,
}

/// What [`enrolled_cluster`] reads, and the tables.
const SELECTED: &str = "c.id, c.uid, c.name, c.certificate_fingerprint, c.certificate_not_before,
    c.certificate_not_after, disk.value AS disk_threshold, memory.value AS memory_threshold
    FROM remote_clusters AS c
    LEFT JOIN remote_cluster_config AS disk ON disk.remote_cluster_id = c.id AND disk.key = 'disk_threshold'
    LEFT JOIN remote_cluster_config AS memory ON memory.remote_cluster_id = c.id AND memory.key = 'memory_threshold'";

impl Store {
    /// All enrolled clusters.
    pub async fn enrolled_clusters(&self) -> Result<Vec<EnrolledCluster>, StoreError> {
        let sql = format!("-- enrolled_clusters()\nSELECT {SELECTED}");
        self.client().await?.query(&sql, &[]).await?.iter().map(enrolled_cluster).collect()
    }

    /// The cluster with this certificate.
    pub async fn enrolled_cluster_by_fingerprint(
        &self,
        wanted: Fingerprint,
    ) -> Result<Option<EnrolledCluster>, StoreError> {
        self.find_enrolled_cluster("c.certificate_fingerprint = $1", &wanted.as_bytes().as_slice()).await
    }

    /// The cluster with this UID.
    pub async fn enrolled_cluster_by_uid(
        &self,
        wanted: ClusterUid,
    ) -> Result<Option<EnrolledCluster>, StoreError> {
        self.find_enrolled_cluster("c.uid = $1", &wanted.0).await
    }

    async fn find_enrolled_cluster(
        &self,
        condition: &str,
        wanted: &(dyn ToSql + Sync),
    ) -> Result<Option<EnrolledCluster>, StoreError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(&format!("-- find_enrolled_cluster()\nSELECT {SELECTED} WHERE {condition}"))
            .await?;
        client.query_opt(&statement, &[wanted]).await?.as_ref().map(enrolled_cluster).transpose()
    }
}

fn enrolled_cluster(row: &Row) -> Result<EnrolledCluster, StoreError> {
    Ok(EnrolledCluster {
        id: ClusterId(row.try_get("id")?),
        uid: ClusterUid(row.try_get("uid")?),
        name: ClusterName::from_stored(row.try_get("name")?),
        fingerprint: fingerprint(row.try_get("certificate_fingerprint")?)?,
        not_before: row.try_get("certificate_not_before")?,
        not_after: row.try_get("certificate_not_after")?,
        thresholds: thresholds(row.try_get("disk_threshold")?, row.try_get("memory_threshold")?),
    })
}

/// A fingerprint from its column.
pub(crate) fn fingerprint(bytes: &[u8]) -> Result<Fingerprint, StoreError> {
    let corrupt = |error| StoreError::corrupt("remote_clusters", "certificate_fingerprint", error);
    Fingerprint::try_from(bytes).map_err(corrupt)
}

/// Thresholds from the values of `remote_cluster_config`. A missing or invalid value means the default.
pub(crate) fn thresholds(disk: Option<&str>, memory: Option<&str>) -> Thresholds {
    let percent = |text: Option<&str>| text?.parse().ok().and_then(|number| Percent::new(number).ok());
    let default = Thresholds::default();
    Thresholds {
        disk: percent(disk).unwrap_or(default.disk),
        memory: percent(memory).unwrap_or(default.memory),
    }
}
