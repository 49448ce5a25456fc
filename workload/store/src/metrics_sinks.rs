//! The state of the metrics sinks. Every unit that sends metrics reports it every few seconds.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Store, StoreError};

/// How often a unit reports the state of its sinks.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// How long a report is valid. A unit without a valid report no longer runs.
const REPORT_VALIDITY: Duration = Duration::from_secs(60);

/// The state of a sink, as one unit sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkReport {
    /// Its name in the unit's metrics and logs: its host and port.
    pub sink: String,
    /// `idle`, `taking` or `failing`.
    pub state: String,
    /// Why it fails, if it does.
    pub reason: Option<String>,
    /// How long the oldest queued samples have waited for it, in seconds.
    pub oldest_seconds: f64,
    /// The size of the queued samples, in bytes.
    pub waiting_bytes: i64,
    /// The number of samples that it accepted since the unit started.
    pub samples_sent: i64,
    /// The number of samples that were dropped since the unit started.
    pub samples_dropped: i64,
}

/// A report with the unit that sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenSink {
    /// The unit, which has a new id after every start.
    pub unit: Uuid,
    /// When it was reported.
    pub seen_at: OffsetDateTime,
    /// The report.
    pub report: SinkReport,
}

impl Store {
    /// Replaces a unit's report, and removes reports that are no longer valid.
    pub async fn report_sinks(&self, unit: Uuid, sinks: &[SinkReport]) -> Result<(), StoreError> {
        let client = self.client().await?;
        let sql = "-- report_sinks()
            INSERT INTO metrics_sinks (unit, sink, state, reason, oldest_seconds, waiting_bytes, samples_sent,
                                       samples_dropped, seen_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
            ON CONFLICT (unit, sink) DO UPDATE SET
                state = EXCLUDED.state, reason = EXCLUDED.reason, oldest_seconds = EXCLUDED.oldest_seconds,
                waiting_bytes = EXCLUDED.waiting_bytes, samples_sent = EXCLUDED.samples_sent,
                samples_dropped = EXCLUDED.samples_dropped, seen_at = EXCLUDED.seen_at";
        let statement = client.prepare_cached(sql).await?;
        for report in sinks {
            let SinkReport { sink, state, reason, oldest_seconds, .. } = report;
            let SinkReport { waiting_bytes, samples_sent, samples_dropped, .. } = report;
            let values: [&(dyn ToSql + Sync); 8] =
                [&unit, sink, state, reason, oldest_seconds, waiting_bytes, samples_sent, samples_dropped];
            client.execute(&statement, &values).await?;
        }
        let sql = "-- report_sinks()
            DELETE FROM metrics_sinks WHERE seen_at < clock_timestamp() - make_interval(secs => $1)";
        client.execute(&client.prepare_cached(sql).await?, &[&REPORT_VALIDITY.as_secs_f64()]).await?;
        Ok(())
    }

    /// The valid reports of all units.
    pub async fn sinks(&self) -> Result<Vec<SeenSink>, StoreError> {
        let sql = "-- sinks()
            SELECT unit, seen_at, sink, state, reason, oldest_seconds, waiting_bytes, samples_sent, samples_dropped
            FROM metrics_sinks WHERE seen_at >= clock_timestamp() - make_interval(secs => $1)
            ORDER BY sink, unit";
        let rows = self.client().await?.query(sql, &[&REPORT_VALIDITY.as_secs_f64()]).await?;
        rows.iter().map(seen_sink).collect()
    }
}

fn seen_sink(row: &Row) -> Result<SeenSink, StoreError> {
    let report = SinkReport {
        sink: row.try_get("sink")?,
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
        oldest_seconds: row.try_get("oldest_seconds")?,
        waiting_bytes: row.try_get("waiting_bytes")?,
        samples_sent: row.try_get("samples_sent")?,
        samples_dropped: row.try_get("samples_dropped")?,
    };
    Ok(SeenSink { unit: row.try_get("unit")?, seen_at: row.try_get("seen_at")?, report })
}
