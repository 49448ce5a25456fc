//! How each cluster was in the past, written by one unit at a time: whoever gets hold of the row of
//! `history_progress`.

use std::time::Duration;

use fleet::history::{Figures, HistoryPoint, Resolution};
use fleet::standing::Judge;
use fleet::{ClusterId, HealthRules, HealthState};
use time::{Date, OffsetDateTime, Time, UtcOffset};
use tokio_postgres::{Row, Transaction};
use tokio_util::sync::CancellationToken;

use crate::fleet_index::Fleet;
use crate::{Store, StoreError};

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Adding up hours that were missed goes on at the next look.
const HOURS_AT_ONCE: usize = 4;
/// For how long somebody who reads keeps partitions from being made or dropped: the next look tries again.
const LOCK_PATIENCE: &str = "SET LOCAL lock_timeout = '2s'";
/// When longer than this lies between two points, or one lies as far ahead, clocks have jumped; or nobody was there.
const LONGEST_PAUSE: time::Duration = time::Duration::hours(1);

/// A table of points, its partitions' length, and what is older than all.
struct Series {
    table: &'static str,
    resolution: Resolution,
    partition_days: i64,
}

const SAMPLES: Series =
    Series { table: "cluster_samples", resolution: Resolution::FiveMinutes, partition_days: 1 };
const HOURS: Series = Series { table: "cluster_hours", resolution: Resolution::Hour, partition_days: 7 };

impl Store {
    /// Keeps the history until shutdown.
    pub async fn run_history(&self, rules: HealthRules, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.keep_history(rules).await
                // A private database may end first.
                && !shutdown.is_cancelled()
            {
                tracing::warn!(%error, "the clusters' history could not be kept; tried again soon");
            }
        }
    }

    /// Writes what is due by now, if no other unit is at it.
    pub async fn keep_history(&self, rules: HealthRules) -> Result<(), StoreError> {
        // Looked at before any transaction: it takes a connection of its own.
        let fleet = self.fleet().await?;
        let now = fleet.clock.now;
        for series in [&SAMPLES, &HOURS] {
            for at in [now, now + time::Duration::days(series.partition_days)] {
                self.make_room(series, at).await?;
            }
        }
        let jumped = self.sample(&fleet, &rules).await?;
        // One at a time: an hour that cannot be added up costs nothing else.
        for _ in 0..HOURS_AT_ONCE {
            if !self.add_up_an_hour().await? {
                break;
            }
        }
        // What a clock says that jumped is no reason to throw anything away.
        if !jumped {
            for series in [&SAMPLES, &HOURS] {
                self.drop_old_partitions(series, now).await?;
            }
        }
        Ok(())
    }

    /// Writes a point of each cluster, if five minutes have begun of which there is none. Whether the clock has
    /// jumped since the last one.
    async fn sample(&self, fleet: &Fleet, rules: &HealthRules) -> Result<bool, StoreError> {
        self.transaction("keep_history", |tx| {
            Box::pin(async move {
                let sql = "-- keep_history()
                    SELECT sampled_at FROM history_progress FOR UPDATE SKIP LOCKED";
                let Some(progress) = tx.query_opt(sql, &[]).await? else { return Ok(false) };
                let sampled_at: OffsetDateTime = progress.try_get(0)?;
                let due = beginning_of_step(fleet.clock.now, Resolution::FiveMinutes);
                let since = due - sampled_at;
                let is_first = sampled_at == OffsetDateTime::UNIX_EPOCH;
                let jumped = !is_first && (since > LONGEST_PAUSE || since < -LONGEST_PAUSE);
                // Back from a time that never was, it goes on.
                let is_due = since > time::Duration::ZERO || since < -LONGEST_PAUSE;
                // While the hub hears nobody, nothing can be said of anybody.
                if !is_due || fleet.clock.is_outage() {
                    return Ok(jumped);
                }
                let judge = Judge::new(rules, &fleet.clock);
                let points: Vec<_> =
                    fleet.clusters.iter().map(|cluster| HistoryPoint::of(cluster, &judge, due)).collect();
                put(&tx, due, &points).await?;
                let sql = "-- keep_history()
                    UPDATE history_progress SET sampled_at = $1";
                tx.execute(sql, &[&due]).await?;
                Ok(jumped)
            })
        })
        .await
    }

    /// Adds up the first hour that is over and was not yet; whether there was one.
    async fn add_up_an_hour(&self) -> Result<bool, StoreError> {
        let sql = "-- keep_history()
            SELECT least(hours_until, date_trunc('hour', now())), date_trunc('hour', now()) FROM history_progress";
        let row = self.client().await?.query_one(sql, &[]).await?;
        let (until, this_hour): (OffsetDateTime, OffsetDateTime) = (row.try_get(0)?, row.try_get(1)?);
        let hour = until.max(this_hour - Resolution::FiveMinutes.kept());
        if hour >= this_hour {
            return Ok(false);
        }
        self.make_room(&HOURS, hour).await?;
        self.transaction("keep_history", |tx| {
            Box::pin(async move {
                let sql = "-- keep_history()
                    SELECT 1 FROM history_progress FOR UPDATE SKIP LOCKED";
                if tx.query_opt(sql, &[]).await?.is_none() {
                    return Ok(false);
                }
                add_up(&tx, hour).await?;
                let next = hour + Resolution::Hour.step();
                let sql = "-- keep_history()
                    UPDATE history_progress SET hours_until = $1";
                tx.execute(sql, &[&next]).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Makes sure that there is a partition for this moment. Those that will be needed are made ahead of time, and
    /// nobody who reads waits long for it.
    async fn make_room(&self, series: &'static Series, at: OffsetDateTime) -> Result<(), StoreError> {
        let name = series.name(at);
        let sql = "-- make_room()\nSELECT to_regclass($1) IS NOT NULL";
        if self.client().await?.query_one(sql, &[&name]).await?.try_get(0)? {
            return Ok(());
        }
        let from = series.first_day(at).with_time(Time::MIDNIGHT).assume_utc();
        let to = from + time::Duration::days(series.partition_days);
        // Whole seconds since 1970 are digits alone.
        let (from, to) = (from.unix_timestamp(), to.unix_timestamp());
        let sql = format!(
            "-- make_room()
            {LOCK_PATIENCE};
            -- One unit at a time: two that find it missing together would both make it, and one would fail.
            SELECT FROM history_progress FOR UPDATE;
            CREATE TABLE IF NOT EXISTS {name} PARTITION OF {}
                FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({to}))",
            series.table
        );
        let sql = sql.as_str();
        self.transaction("make_room", |tx| Box::pin(async move { Ok(tx.batch_execute(sql).await?) })).await
    }

    /// The points of one cluster, oldest first.
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
        rows.iter().map(point).collect()
    }

    async fn drop_old_partitions(&self, series: &Series, now: OffsetDateTime) -> Result<(), StoreError> {
        let sql = "-- drop_old_partitions()
            SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass";
        let partitions = self.client().await?.query(sql, &[&series.table]).await?;
        let oldest_kept = series.name(now - series.resolution.kept());
        for row in partitions {
            let partition: String = row.try_get(0)?;
            // Their names sort as their times do.
            if partition < oldest_kept {
                tracing::debug!(partition, "dropping a partition of the history");
                let sql = format!("DROP TABLE IF EXISTS {partition}");
                let sql = sql.as_str();
                let dropped: Result<(), StoreError> = self
                    .transaction("drop_old_partitions", |tx| {
                        Box::pin(
                            async move { Ok(tx.batch_execute(&format!("{LOCK_PATIENCE}; {sql}")).await?) },
                        )
                    })
                    .await;
                dropped?;
            }
        }
        Ok(())
    }
}

// === impl Series ===

impl Series {
    /// The first day of the partition that this moment falls into.
    fn first_day(&self, at: OffsetDateTime) -> Date {
        let day = i64::from(at.to_offset(UtcOffset::UTC).to_julian_day());
        let first = day - day.rem_euclid(self.partition_days);
        i32::try_from(first).ok().and_then(|day| Date::from_julian_day(day).ok()).unwrap_or(Date::MIN)
    }

    fn name(&self, at: OffsetDateTime) -> String {
        let day = self.first_day(at);
        format!("{}_{:04}{:02}{:02}", self.table, day.year(), u8::from(day.month()), day.day())
    }
}

/// When the step began that this moment falls into.
fn beginning_of_step(at: OffsetDateTime, resolution: Resolution) -> OffsetDateTime {
    let seconds = resolution.step().whole_seconds();
    at - time::Duration::seconds(at.unix_timestamp().rem_euclid(seconds))
        - time::Duration::nanoseconds(at.nanosecond().into())
}

/// Writes one point of each cluster.
async fn put(
    tx: &Transaction<'_>,
    at: OffsetDateTime,
    points: &[(ClusterId, HistoryPoint)],
) -> Result<(), StoreError> {
    fn column<T>(points: &[(ClusterId, HistoryPoint)], value: impl Fn(&Figures) -> T) -> Vec<Option<T>> {
        points.iter().map(|(_, point)| point.figures.as_ref().map(&value)).collect()
    }
    let sql = "-- keep_history()
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

/// Makes one point of each cluster of the samples of an hour.
async fn add_up(tx: &Transaction<'_>, hour: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- keep_history()
        INSERT INTO cluster_hours
        SELECT remote_cluster_id, $1, max(state), avg(cpu_load), avg(memory_total), avg(memory_usage),
            avg(storage_total), avg(storage_usage), round(avg(members)), round(avg(members_online)),
            round(avg(instances)), round(avg(instances_running))
        FROM cluster_samples WHERE at >= $1 AND at < $1 + interval '1 hour' GROUP BY remote_cluster_id
        ON CONFLICT DO NOTHING";
    tx.execute(sql, &[&hour]).await?;
    Ok(())
}

fn point(row: &Row) -> Result<HistoryPoint, StoreError> {
    let state: i16 = row.try_get(1)?;
    let health = HealthState::ALL.into_iter().find(|health| health.rank() == state);
    let cpu_load: Option<f32> = row.try_get(2)?;
    let figures = match cpu_load {
        None => None,
        Some(cpu_load) => Some(Figures {
            cpu_load,
            memory_total: row.try_get(3)?,
            memory_usage: row.try_get(4)?,
            storage_total: row.try_get(5)?,
            storage_usage: row.try_get(6)?,
            members: row.try_get(7)?,
            members_online: row.try_get(8)?,
            instances: row.try_get(9)?,
            instances_running: row.try_get(10)?,
        }),
    };
    let health =
        health.ok_or_else(|| StoreError::corrupt("cluster_samples", "state", "not a state of health"))?;
    Ok(HistoryPoint { at: row.try_get(0)?, health, figures })
}
