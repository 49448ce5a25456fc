//! Updating the index.
//!
//! PostgreSQL's own bookkeeping finds the changes. A row's `xmin` is the transaction that wrote it. A row that one
//! refresh did not see was written by a transaction that was still running at that time or began later, so the next
//! refresh asks for the rows written by the oldest of those transactions or by any later one. This requires that every
//! change of a cluster writes its row of `remote_cluster_liveness`, and every removal a row of
//! `remote_cluster_removals`: heartbeats do the former, triggers do the rest (`0008_fleet_index.sql`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{ClusterId, ClusterState, ServiceClock};

use super::row::read_clusters;
use super::{Cached, Fleet};
use crate::heartbeats::presence::service_clock;
use crate::{Store, StoreError};

/// All rows are read again after this long: well before removals are forgotten or transaction numbers wrap around.
const MAX_CACHE_AGE: Duration = Duration::from_secs(600);
/// The transaction that is older than all others: every row counts as changed.
const OLDEST_TRANSACTION: &str = "0";

/// One row for each changed cluster, each with the columns of `snapshot`; one row with only those if nothing changed.
const CHANGES: &str = "-- fleet_index()
    WITH changed AS MATERIALIZED (
        SELECT * FROM remote_cluster_liveness WHERE age(xmin) <= (SELECT age($1::text::xid))
    ), snapshot AS MATERIALIZED (
        SELECT clock_timestamp() AS now, accepting_until, outage_seconds,
            pg_snapshot_xmin(pg_current_snapshot())::xid::text AS as_of,
            ARRAY(SELECT remote_cluster_id FROM remote_cluster_removals
                WHERE age(xmin) <= (SELECT age($1::text::xid))) AS removed,
            pg_postmaster_start_time() || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())
                AS server
        FROM connector_presence
    )
    SELECT snapshot.*, l.remote_cluster_id, c.name, c.description, c.joined_at, c.certificate_not_after,
        l.last_heartbeat_at, l.heard_at, l.recent_gaps, l.warning_count, l.critical_count, l.cpu_load,
        l.memory_total, l.memory_usage, l.memory_share, l.storage_total, l.storage_usage, l.storage_share,
        l.members, l.members_online, l.members_offline, l.members_evacuated, l.members_blocked,
        l.instances_running, l.instances_stopped, l.instances_frozen, l.instances_error,
        l.other_members, l.other_instances,
        CASE WHEN l.warning_count > 0 THEN (SELECT array_agg(DISTINCT w.kind || ' ' || w.severity)
            FROM remote_cluster_warnings AS w WHERE w.remote_cluster_id = l.remote_cluster_id) END AS warnings
    -- Each cluster is looked up by its key: the planner cannot know that few rows changed.
    FROM snapshot LEFT JOIN (changed AS l CROSS JOIN LATERAL (
        SELECT * FROM remote_clusters WHERE id = l.remote_cluster_id OFFSET 0) AS c) ON true";

/// What changed since a transaction.
struct Changes {
    clock: ServiceClock,
    as_of: String,
    server: String,
    removed: Vec<ClusterId>,
    changed: Vec<Arc<ClusterState>>,
}

impl Store {
    /// The fleet now: with everything that was committed before this call.
    pub(crate) async fn fleet(&self) -> Result<Fleet, StoreError> {
        let called_at = Instant::now();
        let mut cached = self.index.0.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.refreshed_at >= called_at) {
            // Another caller refreshed it while this one waited.
            return Ok(cached.fleet.clone());
        }
        let refreshed_at = Instant::now();
        // Taken out until the query succeeded: after an error the next connection may lead to another server.
        let last = cached.take().filter(|last| last.loaded_at.elapsed() < MAX_CACHE_AGE);
        if let Some(last) = last {
            let changes = self.fleet_changes(&last.as_of).await?;
            if last.server == changes.server {
                let as_of = changes.as_of.clone();
                let fleet = last.fleet.apply(changes);
                *cached = Some(Cached { fleet: fleet.clone(), as_of, refreshed_at, ..last });
                return Ok(fleet);
            }
        }
        let mut all = self.fleet_changes(OLDEST_TRANSACTION).await?;
        all.changed.sort_unstable_by_key(|cluster| cluster.id);
        let fleet = Fleet { clock: all.clock, clusters: Arc::new(all.changed) };
        let Changes { as_of, server, .. } = all;
        *cached = Some(Cached { fleet: fleet.clone(), as_of, server, loaded_at: refreshed_at, refreshed_at });
        Ok(fleet)
    }

    async fn fleet_changes(&self, as_of: &str) -> Result<Changes, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(CHANGES).await?;
        let rows = client.query(&statement, &[&as_of]).await?;
        let snapshot = rows.first().ok_or_else(|| {
            StoreError::corrupt("connector_presence", "only_row", "the table's only row is missing")
        })?;
        let removed: Vec<i32> = snapshot.try_get("removed")?;
        Ok(Changes {
            clock: service_clock(snapshot)?,
            as_of: snapshot.try_get("as_of")?,
            server: snapshot.try_get("server")?,
            removed: removed.into_iter().map(ClusterId).collect(),
            changed: read_clusters(&rows)?,
        })
    }
}

impl Fleet {
    fn apply(self, changes: Changes) -> Self {
        let mut fleet = Self { clock: changes.clock, ..self };
        let clusters = Arc::make_mut(&mut fleet.clusters);
        if !changes.removed.is_empty() {
            clusters.retain(|cluster| !changes.removed.contains(&cluster.id));
        }
        for changed in changes.changed {
            match clusters.binary_search_by_key(&changed.id, |cluster| cluster.id) {
                Ok(place) => clusters[place] = changed,
                Err(place) => clusters.insert(place, changed),
            }
        }
        fleet
    }
}
