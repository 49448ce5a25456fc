//! Past states and figures of each cluster: a sample every five minutes, rolled up by the hour.
//!
//! One unit at a time writes them: the one that locks the row of `history_progress`.

mod partitions;
mod roll_up;
mod sample;

use fleet::history::{Figures, HistoryPoint, Resolution};
use fleet::{ClusterId, HealthRules, HealthState};
use tokio_postgres::Row;

use crate::{Store, StoreError};
use partitions::{HOURS, SAMPLES};

/// The most hours that one round rolls up. The next round continues.
const MAX_HOURS_PER_ROUND: usize = 4;

impl Store {
    /// One round: writes what is due, and removes what has expired, unless another unit is doing it.
    pub async fn record_history(&self, rules: HealthRules) -> Result<(), StoreError> {
        // Read before any transaction begins, because it takes another connection.
        let fleet = self.fleet().await?;
        let now = fleet.clock.now;
        for series in [&SAMPLES, &HOURS] {
            for at in [now, now + series.partition_length()] {
                self.ensure_partition(series, at).await?;
            }
        }
        let has_clock_jumped = self.sample_history(&fleet, &rules).await?;
        // Each hour has its own transaction: one that cannot be rolled up does not affect the others.
        for _ in 0..MAX_HOURS_PER_ROUND {
            if !self.roll_up_next_hour().await? {
                break;
            }
        }
        // A clock that jumped must not cause data to be deleted.
        if !has_clock_jumped {
            for series in [&SAMPLES, &HOURS] {
                self.drop_old_partitions(series, now).await?;
            }
        }
        Ok(())
    }

    /// The history of one cluster, oldest first.
    pub async fn history(
        &self,
        cluster: ClusterId,
        resolution: Resolution,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let table = match resolution {
            Resolution::FiveMinutes => SAMPLES.table,
            Resolution::Hour => HOURS.table,
        };
        let sql = format!(
            "-- history()
            SELECT at, state, cpu_load, memory_total, memory_usage, storage_total, storage_usage, members,
                members_online, instances, instances_running
            FROM {table} WHERE remote_cluster_id = $1 AND at > now() - make_interval(secs => $2) ORDER BY at"
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await?;
        let rows = client.query(&statement, &[&cluster.0, &resolution.kept().as_seconds_f64()]).await?;
        rows.iter().map(read_point).collect()
    }
}

fn read_point(row: &Row) -> Result<HistoryPoint, StoreError> {
    let rank: i16 = row.try_get("state")?;
    let health = HealthState::ALL.into_iter().find(|health| health.rank() == rank);
    let cpu_load: Option<f32> = row.try_get("cpu_load")?;
    let figures = match cpu_load {
        None => None,
        Some(cpu_load) => Some(Figures {
            cpu_load,
            memory_total: row.try_get("memory_total")?,
            memory_usage: row.try_get("memory_usage")?,
            storage_total: row.try_get("storage_total")?,
            storage_usage: row.try_get("storage_usage")?,
            members: row.try_get("members")?,
            members_online: row.try_get("members_online")?,
            instances: row.try_get("instances")?,
            instances_running: row.try_get("instances_running")?,
        }),
    };
    let health =
        health.ok_or_else(|| StoreError::corrupt("cluster_samples", "state", "not a state of health"))?;
    Ok(HistoryPoint { at: row.try_get("at")?, health, figures })
}
