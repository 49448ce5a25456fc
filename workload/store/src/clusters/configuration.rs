//! The configuration of an enrolled cluster: its description and thresholds.

use fleet::{ClusterChange, ClusterUid, Origin, Thresholds};
use serde_json::json;
use tokio_postgres::Transaction;

use crate::clusters::certificates::thresholds;
use crate::database::changes::{Change, notify};
use crate::events::{self, NewEvent};
use crate::{Store, StoreError};

/// The keys in `remote_cluster_config`, which the existing program also uses.
const DISK_THRESHOLD: &str = "disk_threshold";
const MEMORY_THRESHOLD: &str = "memory_threshold";

/// A locked cluster.
struct Locked {
    id: i32,
    uid: ClusterUid,
    description: String,
    thresholds: Thresholds,
}

impl Store {
    /// Applies a change to a cluster. Returns whether the cluster exists.
    pub async fn configure_cluster(
        &self,
        name: &str,
        change: &ClusterChange,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        self.transaction("configure_cluster", |tx| {
            Box::pin(async move { configure(&tx, name, change, origin).await })
        })
        .await
    }
}

async fn configure(
    tx: &Transaction<'_>,
    name: &str,
    change: &ClusterChange,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let Some(before) = lock(tx, name).await? else { return Ok(false) };
    let description = change.description.as_ref().unwrap_or(&before.description);
    let thresholds = Thresholds {
        disk: change.disk_threshold.unwrap_or(before.thresholds.disk),
        memory: change.memory_threshold.unwrap_or(before.thresholds.memory),
    };
    if *description == before.description && thresholds == before.thresholds {
        return Ok(true);
    }
    let sql = "-- configure_cluster()
        UPDATE remote_clusters SET description = $2, updated_at = now() WHERE id = $1";
    tx.execute(sql, &[&before.id, description]).await?;
    for (key, value, old) in [
        (DISK_THRESHOLD, thresholds.disk, before.thresholds.disk),
        (MEMORY_THRESHOLD, thresholds.memory, before.thresholds.memory),
    ] {
        if value != old {
            let sql = "-- configure_cluster()
                INSERT INTO remote_cluster_config (remote_cluster_id, key, value) VALUES ($1, $2, $3)
                ON CONFLICT (remote_cluster_id, key) DO UPDATE SET value = excluded.value";
            tx.execute(sql, &[&before.id, &key, &value.get().to_string()]).await?;
        }
    }
    let event = NewEvent {
        action: "cluster.configured",
        cluster_uid: Some(before.uid),
        cluster_name: Some(name),
        before: Some(state(&before.description, before.thresholds)),
        after: Some(state(description, thresholds)),
        ..NewEvent::default()
    };
    events::record(tx, origin, event).await?;
    notify(tx, Change::Configured(before.uid)).await?;
    Ok(true)
}

/// A configuration as events show it.
fn state(description: &str, thresholds: Thresholds) -> serde_json::Value {
    json!({
        "description": description,
        DISK_THRESHOLD: thresholds.disk,
        MEMORY_THRESHOLD: thresholds.memory,
    })
}

async fn lock(tx: &Transaction<'_>, name: &str) -> Result<Option<Locked>, StoreError> {
    let sql = "-- configure_cluster()
        SELECT c.id, c.uid, c.description,
            (SELECT value FROM remote_cluster_config WHERE remote_cluster_id = c.id AND key = $2) AS disk_threshold,
            (SELECT value FROM remote_cluster_config WHERE remote_cluster_id = c.id AND key = $3) AS memory_threshold
        FROM remote_clusters AS c WHERE c.name = $1 FOR NO KEY UPDATE";
    let Some(row) = tx.query_opt(sql, &[&name, &DISK_THRESHOLD, &MEMORY_THRESHOLD]).await? else {
        return Ok(None);
    };
    Ok(Some(Locked {
        id: row.try_get("id")?,
        uid: ClusterUid(row.try_get("uid")?),
        description: row.try_get("description")?,
        thresholds: thresholds(row.try_get("disk_threshold")?, row.try_get("memory_threshold")?),
    }))
}
