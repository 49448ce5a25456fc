//! A whole cluster, as the management API shows it.

use fleet::{Cluster, ClusterId, ClusterUid, ServiceClock, Severity, Warning, WarningKind};
use protocol::ClusterName;
use protocol::heartbeat::{Details, Load, MAX_POOLS, MAX_STATUSES};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::clusters::certificates::{fingerprint, thresholds};
use crate::heartbeats::liveness::liveness;
use crate::heartbeats::presence::{SERVICE_CLOCK, service_clock};
use crate::{Store, StoreError};

/// The columns that [`cluster`] reads, from [`TABLES`].
pub(crate) const COLUMNS: &str = "c.id, c.uid, c.name, c.description, c.status, c.cluster_certificate,
        c.certificate_fingerprint, c.certificate_not_before, c.certificate_not_after, c.joined_at, c.created_at,
        disk.value AS disk_threshold, memory.value AS memory_threshold,
        d.ceph_statuses, d.cpu_total_count, d.cpu_load_1, d.cpu_load_5, d.cpu_load_15, d.instance_statuses,
        d.member_statuses, d.memory_total_amount, d.memory_usage, d.storage_pool_usages, d.ui_url, d.cluster_uuid,
        l.last_heartbeat_at, l.heard_at, l.recent_gaps, l.state, l.state_since,
        CASE WHEN l.warning_count > 0 THEN (
            SELECT jsonb_agg(jsonb_build_object('kind', w.kind, 'severity', w.severity, 'text', w.text,
                'since', to_char(w.since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))
                ORDER BY w.kind, w.subject)
            FROM remote_cluster_warnings AS w WHERE w.remote_cluster_id = c.id) END AS warnings";

/// The tables of [`COLUMNS`].
pub(crate) const TABLES: &str = "remote_clusters AS c
    JOIN remote_cluster_details AS d ON d.remote_cluster_id = c.id
    JOIN remote_cluster_liveness AS l ON l.remote_cluster_id = c.id
    LEFT JOIN remote_cluster_config AS disk ON disk.remote_cluster_id = c.id AND disk.key = 'disk_threshold'
    LEFT JOIN remote_cluster_config AS memory ON memory.remote_cluster_id = c.id AND memory.key = 'memory_threshold'";

impl Store {
    /// All clusters, sorted by the bytes of their names, and the clock by which to judge their health.
    pub async fn clusters(&self) -> Result<(ServiceClock, Vec<Cluster>), StoreError> {
        let client = self.client().await?;
        let clock = client.query_one(SERVICE_CLOCK, &[]).await?;
        let sql = format!("-- clusters()\nSELECT {COLUMNS} FROM {TABLES} ORDER BY c.name COLLATE \"C\"");
        let clusters = client.query(&sql, &[]).await?.iter().map(cluster).collect::<Result<_, _>>()?;
        Ok((service_clock(&clock)?, clusters))
    }

    /// One cluster by its name.
    pub async fn cluster(&self, name: &str) -> Result<Option<Cluster>, StoreError> {
        let sql = format!("-- cluster()\nSELECT {COLUMNS} FROM {TABLES} WHERE c.name = $1");
        self.client().await?.query_opt(&sql, &[&name]).await?.as_ref().map(cluster).transpose()
    }
}

pub(crate) fn cluster(row: &Row) -> Result<Cluster, StoreError> {
    Ok(Cluster {
        id: ClusterId(row.try_get("id")?),
        uid: ClusterUid(row.try_get("uid")?),
        name: ClusterName::from_stored(row.try_get("name")?),
        description: row.try_get("description")?,
        status: row.try_get("status")?,
        certificate_pem: row.try_get("cluster_certificate")?,
        fingerprint: fingerprint(row.try_get("certificate_fingerprint")?)?,
        certificate_validity: (row.try_get("certificate_not_before")?, row.try_get("certificate_not_after")?),
        thresholds: thresholds(row.try_get("disk_threshold")?, row.try_get("memory_threshold")?),
        joined_at: row.try_get("joined_at")?,
        created_at: row.try_get("created_at")?,
        details: details(row)?,
        liveness: liveness(row)?,
        reported_warnings: warnings(row)?,
    })
}

fn details(row: &Row) -> Result<Details, StoreError> {
    Ok(Details {
        ceph_statuses: list(row, "ceph_statuses", MAX_STATUSES)?,
        cpu_total_count: row.try_get("cpu_total_count")?,
        cpu_load_1: Load::from_stored(row.try_get("cpu_load_1")?),
        cpu_load_5: Load::from_stored(row.try_get("cpu_load_5")?),
        cpu_load_15: Load::from_stored(row.try_get("cpu_load_15")?),
        memory_total_amount: row.try_get("memory_total_amount")?,
        memory_usage: row.try_get("memory_usage")?,
        storage_pool_usages: list(row, "storage_pool_usages", MAX_POOLS)?,
        member_statuses: list(row, "member_statuses", MAX_STATUSES)?,
        instance_statuses: list(row, "instance_statuses", MAX_STATUSES)?,
        ui_url: row.try_get("ui_url")?,
        cluster_uuid: row.try_get("cluster_uuid")?,
    })
}

fn warnings(row: &Row) -> Result<Vec<Warning>, StoreError> {
    #[derive(Deserialize)]
    struct Stored {
        kind: String,
        severity: String,
        text: String,
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    }
    let stored: Option<Json<Vec<Stored>>> = row.try_get("warnings")?;
    // A kind or severity that a newer program added is left out rather than misread.
    let known = |warning: Stored| {
        Some(Warning {
            kind: WarningKind::from_word(&warning.kind)?,
            severity: Severity::from_word(&warning.severity)?,
            text: warning.text,
            since: warning.since,
        })
    };
    Ok(stored.map(|Json(list)| list).unwrap_or_default().into_iter().filter_map(known).collect())
}

/// A list of the report: at most `max` entries, because an older program may have stored more. An unreadable list is shown
/// as empty until the next heartbeat overwrites it, so that it does not hide the cluster or the whole fleet.
fn list<T: DeserializeOwned>(row: &Row, column: &'static str, max: usize) -> Result<Vec<T>, StoreError> {
    let Json(text): Json<&RawValue> = row.try_get(column)?;
    let mut list: Vec<T> = serde_json::from_str(text.get()).unwrap_or_else(|error| {
        tracing::warn!(column, %error, "cannot read a stored list of a report; showing it as empty");
        Vec::new()
    });
    list.truncate(max);
    Ok(list)
}
