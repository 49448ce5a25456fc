//! The audit trail: one row a change, written in the change's own transaction.

use fleet::{ClusterUid, Origin};
use tokio_postgres::Transaction;

use crate::StoreError;

/// What was done, as it is recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewEvent<'a> {
    /// In two words, such as `cluster.configured`.
    pub(crate) action: &'static str,
    /// To which cluster, if it is enrolled.
    pub(crate) cluster_uid: Option<ClusterUid>,
    /// To which cluster, enrolled or to be.
    pub(crate) cluster_name: Option<&'a str>,
    /// To what else.
    pub(crate) subject: Option<&'a str>,
    /// What stood there before.
    pub(crate) before: Option<serde_json::Value>,
    /// What stands there now.
    pub(crate) after: Option<serde_json::Value>,
}

/// Records what this transaction does.
pub(crate) async fn record(
    tx: &Transaction<'_>,
    origin: &Origin,
    event: NewEvent<'_>,
) -> Result<(), StoreError> {
    let sql = "-- record_event()
        INSERT INTO events (action, actor_kind, actor_id, actor_name, cluster_uid, cluster_name, subject, before,
            after, address, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let NewEvent { action, cluster_uid, cluster_name, subject, before, after } = event;
    let Origin { actor, address, request_id } = origin;
    let uid = cluster_uid.map(|uid| uid.0);
    tx.execute(
        sql,
        &[
            &action,
            &actor.kind.as_str(),
            &actor.id,
            &actor.name,
            &uid,
            &cluster_name,
            &subject,
            &before,
            &after,
            address,
            request_id,
        ],
    )
    .await?;
    Ok(())
}
