//! The batch statement: heartbeats that arrive together become one statement and one commit.

mod columns;
mod warnings;

use std::collections::HashSet;
use std::time::Duration;

use fleet::ClusterId;
use tokio::time::timeout;

use crate::database::STATEMENT_TIMEOUT;
use crate::database::connection::Connection;
use crate::database::error::is_timeout;
use crate::heartbeats::new_heartbeat::NewHeartbeat;
use crate::{Store, StoreError};
use columns::{PUT_HEARTBEATS, Parameters, Report};
use warnings::put_warnings;

/// How long a batch may take. Longer than the server's own limit for a statement.
const BATCH_TIMEOUT: Duration = Duration::from_secs(2 * STATEMENT_TIMEOUT.as_secs());

impl Store {
    /// Stores heartbeats in one transaction, all or none, and returns which of the clusters exist. With a limit, the
    /// server cancels a statement that takes longer.
    ///
    /// There must be at most one heartbeat for each cluster, sorted by cluster, so that two units cannot deadlock.
    pub(crate) async fn put_heartbeats(
        &self,
        heartbeats: &[&NewHeartbeat],
        limit: Option<Duration>,
    ) -> Result<HashSet<ClusterId>, StoreError> {
        let mut client = self.client().await?;
        let outcome = timeout(BATCH_TIMEOUT, put_heartbeats(&mut client, heartbeats, limit)).await;
        let outcome =
            client.noting(outcome.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed)))));
        // A statement that takes too long may be one cluster's fault.
        let fails = |error: &StoreError| error.is_unavailable() && !is_timeout(error);
        self.trust.note_heartbeats(outcome.as_ref().is_err_and(fails));
        outcome
    }
}

async fn put_heartbeats(
    client: &mut Connection,
    heartbeats: &[&NewHeartbeat],
    limit: Option<Duration>,
) -> Result<HashSet<ClusterId>, StoreError> {
    let reports: Vec<Report<'_>> = heartbeats.iter().map(|heartbeat| Report::of(heartbeat)).collect();
    let parameters = Parameters::of(&reports);
    let statement = client.prepare_cached(&PUT_HEARTBEATS).await?;
    if limit.is_none() && heartbeats.iter().all(|heartbeat| heartbeat.findings.is_empty()) {
        // The usual case needs only one statement and so no explicit transaction, unless a cluster had warnings that
        // are now resolved.
        let rows = client.query(&statement, &parameters.as_sql()).await?;
        let mut has_warnings = false;
        for row in &rows {
            has_warnings |= row.try_get::<_, i32>("warning_count")? > 0;
        }
        // The heartbeats are stored even if this fails: the next ones clear the warnings as well.
        if has_warnings && let Err(error) = clear_warnings(client, heartbeats).await {
            tracing::warn!(%error, "cannot clear resolved warnings; they stay until the next heartbeat");
        }
        return cluster_ids(&rows);
    }
    let transaction = client.transaction().await?;
    if let Some(limit) = limit {
        let sql = format!("-- put_heartbeats()\nSET LOCAL statement_timeout = {}", limit.as_millis());
        transaction.batch_execute(&sql).await?;
    }
    let rows = transaction.query(&statement, &parameters.as_sql()).await?;
    put_warnings(&transaction, heartbeats).await?;
    transaction.commit().await?;
    cluster_ids(&rows)
}

fn cluster_ids(rows: &[tokio_postgres::Row]) -> Result<HashSet<ClusterId>, StoreError> {
    rows.iter().map(|row| Ok(ClusterId(row.try_get("remote_cluster_id")?))).collect()
}

async fn clear_warnings(client: &mut Connection, heartbeats: &[&NewHeartbeat]) -> Result<(), StoreError> {
    let outcome = try_clear_warnings(client, heartbeats).await;
    client.noting(outcome)
}

async fn try_clear_warnings(client: &mut Connection, heartbeats: &[&NewHeartbeat]) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    put_warnings(&transaction, heartbeats).await?;
    transaction.commit().await?;
    Ok(())
}
