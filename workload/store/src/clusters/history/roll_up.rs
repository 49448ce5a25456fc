//! One point of each cluster every hour, from its samples.

use fleet::history::Resolution;
use time::OffsetDateTime;
use tokio_postgres::Transaction;

use super::partitions::HOURS;
use crate::{Store, StoreError};

/// In how many of its twelve samples an hour must be recorded.
const MIN_SAMPLES_PER_HOUR: i64 = 6;

impl Store {
    /// Rolls up the first complete hour that has not been rolled up. Returns whether there was one.
    pub(super) async fn roll_up_next_hour(&self) -> Result<bool, StoreError> {
        let sql = "-- roll_up_next_hour()
            SELECT least(hours_until, date_trunc('hour', now())) AS hours_until, date_trunc('hour', now()) AS this_hour
            FROM history_progress";
        let row = self.client().await?.query_one(sql, &[]).await?;
        let hours_until: OffsetDateTime = row.try_get("hours_until")?;
        let this_hour: OffsetDateTime = row.try_get("this_hour")?;
        let hour = hours_until.max(this_hour - Resolution::FiveMinutes.kept());
        if hour >= this_hour {
            return Ok(false);
        }
        self.ensure_partition(&HOURS, hour).await?;
        self.transaction("roll_up_next_hour", |tx| {
            Box::pin(async move {
                let sql = "-- roll_up_next_hour()\nSELECT FROM history_progress FOR UPDATE SKIP LOCKED";
                if tx.query_opt(sql, &[]).await?.is_none() {
                    return Ok(false);
                }
                roll_up(&tx, hour).await?;
                let next = hour + Resolution::Hour.step();
                let sql = "-- roll_up_next_hour()\nUPDATE history_progress SET hours_until = $1";
                tx.execute(sql, &[&next]).await?;
                Ok(true)
            })
        })
        .await
    }
}

/// Hours in which the hub was out for more than half of the time have no point: an average over what is left would hide
/// the outage.
async fn roll_up(tx: &Transaction<'_>, hour: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- roll_up_next_hour()
        INSERT INTO cluster_hours
        SELECT remote_cluster_id, $1, max(state), avg(cpu_load), avg(memory_total), avg(memory_usage),
            avg(storage_total), avg(storage_usage), round(avg(members)), round(avg(members_online)),
            round(avg(instances)), round(avg(instances_running))
        FROM cluster_samples WHERE at >= $1 AND at < $1 + interval '1 hour'
            AND $2 <= (SELECT count(DISTINCT at) FROM cluster_samples WHERE at >= $1 AND at < $1 + interval '1 hour')
        GROUP BY remote_cluster_id ON CONFLICT DO NOTHING";
    tx.execute(sql, &[&hour, &MIN_SAMPLES_PER_HOUR]).await?;
    Ok(())
}
