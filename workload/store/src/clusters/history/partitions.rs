//! The partitions of the history: created ahead of time, and dropped when all their points have expired.

use fleet::history::Resolution;
use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

use crate::{Store, StoreError};

/// How long a reader can delay the creation or removal of a partition. After that the next round retries.
const SET_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// A partitioned table of points.
pub(super) struct Series {
    pub(super) table: &'static str,
    resolution: Resolution,
    partition_days: i64,
}

pub(super) const SAMPLES: Series =
    Series { table: "cluster_samples", resolution: Resolution::FiveMinutes, partition_days: 1 };
pub(super) const HOURS: Series =
    Series { table: "cluster_hours", resolution: Resolution::Hour, partition_days: 7 };

impl Store {
    /// Makes sure that there is a partition for this time.
    pub(super) async fn ensure_partition(
        &self,
        series: &'static Series,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let name = series.partition_name(at);
        let sql = "-- ensure_partition()\nSELECT to_regclass($1) IS NOT NULL AS is_present";
        if self.client().await?.query_one(sql, &[&name]).await?.try_get("is_present")? {
            return Ok(());
        }
        let from = series.first_day(at).with_time(Time::MIDNIGHT).assume_utc();
        let to = from + series.partition_length();
        // As seconds since 1970, so that the SQL contains only digits.
        let (from, to) = (from.unix_timestamp(), to.unix_timestamp());
        let sql = format!(
            "-- ensure_partition()
            {SET_LOCK_TIMEOUT};
            -- One unit at a time: if two created the partition at the same time, one of them would fail.
            SELECT FROM history_progress FOR UPDATE;
            CREATE TABLE IF NOT EXISTS {name} PARTITION OF {}
                FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({to}))",
            series.table
        );
        self.run_batch("ensure_partition", &sql).await
    }

    /// Drops the partitions whose points are all older than the series keeps them.
    pub(super) async fn drop_old_partitions(
        &self,
        series: &Series,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let sql = "-- drop_old_partitions()
            SELECT inhrelid::regclass::text AS partition FROM pg_inherits WHERE inhparent = $1::text::regclass";
        let partitions = self.client().await?.query(sql, &[&series.table]).await?;
        let oldest_kept = series.partition_name(now - series.resolution.kept());
        for row in partitions {
            let partition: String = row.try_get("partition")?;
            // Names sort in the order of time.
            if partition < oldest_kept {
                tracing::debug!(partition, "dropping an expired partition of the history");
                let sql =
                    format!("-- drop_old_partitions()\n{SET_LOCK_TIMEOUT}; DROP TABLE IF EXISTS {partition}");
                self.run_batch("drop_old_partitions", &sql).await?;
            }
        }
        Ok(())
    }

    async fn run_batch(&self, name: &'static str, sql: &str) -> Result<(), StoreError> {
        self.transaction(name, |tx| Box::pin(async move { Ok(tx.batch_execute(sql).await?) })).await
    }
}

impl Series {
    pub(super) const fn partition_length(&self) -> Duration {
        Duration::days(self.partition_days)
    }

    /// The first day of the partition for this time.
    fn first_day(&self, at: OffsetDateTime) -> Date {
        let day = i64::from(at.to_offset(UtcOffset::UTC).to_julian_day());
        let first = day - day.rem_euclid(self.partition_days);
        i32::try_from(first).ok().and_then(|day| Date::from_julian_day(day).ok()).unwrap_or(Date::MIN)
    }

    fn partition_name(&self, at: OffsetDateTime) -> String {
        let day = self.first_day(at);
        format!("{}_{:04}{:02}{:02}", self.table, day.year(), u8::from(day.month()), day.day())
    }
}
