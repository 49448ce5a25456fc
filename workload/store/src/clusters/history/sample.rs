//! One point of each cluster every five minutes.

use fleet::Judge;
use fleet::history::{Figures, HistoryPoint, Resolution};
use fleet::{ClusterId, HealthRules};
use time::{Duration, OffsetDateTime};
use tokio_postgres::Transaction;

use crate::clusters::fleet_index::Fleet;
use crate::{Store, StoreError};

/// A longer time between two samples, in either direction, means that the clock has jumped or no unit was running.
const MAX_SAMPLE_GAP: Duration = Duration::hours(1);

impl Store {
    /// Writes a point of each cluster unless the current five minutes have one. Returns whether the clock has jumped
    /// since the last sample.
    pub(super) async fn sample_history(
        &self,
        fleet: &Fleet,
        rules: &HealthRules,
    ) -> Result<bool, StoreError> {
        self.transaction("sample_history", |tx| {
            Box::pin(async move {
                let sql = "-- sample_history()
                    SELECT sampled_at FROM history_progress FOR UPDATE SKIP LOCKED";
                let Some(progress) = tx.query_opt(sql, &[]).await? else { return Ok(false) };
                let sampled_at: OffsetDateTime = progress.try_get("sampled_at")?;
                let due = beginning_of_step(fleet.clock.now, Resolution::FiveMinutes);
                let gap = due - sampled_at;
                let is_first = sampled_at == OffsetDateTime::UNIX_EPOCH;
                let has_clock_jumped = !is_first && gap.abs() > MAX_SAMPLE_GAP;
                // If the last sample is far in the future, the clock was wrong then: sampling continues from now.
                let is_due = gap > Duration::ZERO || gap < -MAX_SAMPLE_GAP;
                // While no unit accepts heartbeats, the state of the clusters is unknown.
                if !is_due || fleet.clock.is_outage() {
                    return Ok(has_clock_jumped);
                }
                let judge = Judge::new(rules, &fleet.clock);
                let points: Vec<_> =
                    fleet.clusters.iter().map(|cluster| HistoryPoint::of(cluster, &judge, due)).collect();
                insert(&tx, due, &points).await?;
                let sql = "-- sample_history()\nUPDATE history_progress SET sampled_at = $1";
                tx.execute(sql, &[&due]).await?;
                Ok(has_clock_jumped)
            })
        })
        .await
    }
}

/// When the step began that contains this time.
fn beginning_of_step(at: OffsetDateTime, resolution: Resolution) -> OffsetDateTime {
    let seconds = resolution.step().whole_seconds();
    at - Duration::seconds(at.unix_timestamp().rem_euclid(seconds))
        - Duration::nanoseconds(at.nanosecond().into())
}

async fn insert(
    tx: &Transaction<'_>,
    at: OffsetDateTime,
    points: &[(ClusterId, HistoryPoint)],
) -> Result<(), StoreError> {
    fn column<T>(points: &[(ClusterId, HistoryPoint)], value: impl Fn(&Figures) -> T) -> Vec<Option<T>> {
        points.iter().map(|(_, point)| point.figures.as_ref().map(&value)).collect()
    }
    let sql = "-- sample_history()
        INSERT INTO cluster_samples (remote_cluster_id, at, state, cpu_load, memory_total, memory_usage,
            storage_total, storage_usage, members, members_online, instances, instances_running)
        SELECT id, $1, state, cpu_load, memory_total, memory_usage, storage_total, storage_usage, members,
            members_online, instances, instances_running
        FROM unnest($2::integer[], $3::smallint[], $4::real[], $5::real[], $6::real[], $7::real[], $8::real[],
            $9::integer[], $10::integer[], $11::integer[], $12::integer[])
            AS p (id, state, cpu_load, memory_total, memory_usage, storage_total, storage_usage, members,
                members_online, instances, instances_running)
        ON CONFLICT DO NOTHING";
    let ids: Vec<i32> = points.iter().map(|(id, _)| id.0).collect();
    let states: Vec<i16> = points.iter().map(|(_, point)| point.health.rank()).collect();
    let statement = tx.prepare(sql).await?;
    tx.execute(
        &statement,
        &[
            &at,
            &ids,
            &states,
            &column(points, |figures| figures.cpu_load),
            &column(points, |figures| figures.memory_total),
            &column(points, |figures| figures.memory_usage),
            &column(points, |figures| figures.storage_total),
            &column(points, |figures| figures.storage_usage),
            &column(points, |figures| figures.members),
            &column(points, |figures| figures.members_online),
            &column(points, |figures| figures.instances),
            &column(points, |figures| figures.instances_running),
        ],
    )
    .await?;
    Ok(())
}
