//! What people change of an enrolled cluster: its description and its thresholds.

use fleet::{ClusterChange, ClusterUid, Origin, Thresholds};
use serde_json::json;
use tokio_postgres::Transaction;

use crate::changes::{Change, notify};
use crate::events::{self, NewEvent};
use crate::identities::thresholds;
use crate::{Store, StoreError};

/// The keys in `remote_cluster_config`, as the existing program has them.
const DISK: &str = "disk_threshold";
const MEMORY: &str = "memory_threshold";

/// A cluster's row, locked.
struct Locked {
    id: i32,
    uid: ClusterUid,
    description: String,
    thresholds: Thresholds,
}

impl Store {
    /// Changes what is to be changed of a cluster; says whether there is one.
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

/// One cluster's change within a transaction; says whether there is such a cluster.
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
        (DISK, thresholds.disk, before.thresholds.disk),
        (MEMORY, thresholds.memory, before.thresholds.memory),
    ] {
        if value != old {
            let sql = "-- configure_cluster()
                INSERT INTO remote_cluster_config (remote_cluster_id, key, value) VALUES ($1, $2, $3)
                ON CONFLICT (remote_cluster_id, key) DO UPDATE SET value = excluded.value";
            tx.execute(sql, &[&before.id, &key, &value.get().to_string()]).await?;
        }
    }
    let state = |description: &str, thresholds: Thresholds| json!({ "description": description, DISK: thresholds.disk, MEMORY: thresholds.memory });
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

async fn lock(tx: &Transaction<'_>, name: &str) -> Result<Option<Locked>, StoreError> {
    let sql = "-- configure_cluster()
        SELECT c.id, c.uid, c.description,
            (SELECT value FROM remote_cluster_config WHERE remote_cluster_id = c.id AND key = $2),
            (SELECT value FROM remote_cluster_config WHERE remote_cluster_id = c.id AND key = $3)
        FROM remote_clusters AS c WHERE c.name = $1 FOR NO KEY UPDATE";
    let Some(row) = tx.query_opt(sql, &[&name, &DISK, &MEMORY]).await? else { return Ok(None) };
    Ok(Some(Locked {
        id: row.try_get(0)?,
        uid: ClusterUid(row.try_get(1)?),
        description: row.try_get(2)?,
        thresholds: thresholds(row.try_get(3)?, row.try_get(4)?),
    }))
}
