//! How the sinks of metrics stand: every unit that relays to them says so every few seconds.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Store, StoreError};

/// How often a unit says how its sinks stand.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// What was said before is no news: the unit has gone.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// How a sink stands, as one unit sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkReport {
    /// What it is called in the unit's counters and logs: its host and port.
    pub sink: String,
    /// `idle`, `taking` or `failing`.
    pub state: String,
    /// Why it fails, if it does.
    pub reason: Option<String>,
    /// How many seconds the oldest samples have waited for it.
    pub oldest_seconds: f64,
    /// The bytes of samples that wait for it.
    pub waiting_bytes: i64,
    /// Samples that it took since the unit began.
    pub samples_sent: i64,
    /// Samples that it will not get, since the unit began.
    pub samples_dropped: i64,
}

/// The same, with who said it, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenSink {
    /// The unit, which has another number after every start.
    pub unit: Uuid,
    /// When.
    pub seen_at: OffsetDateTime,
    /// What.
    pub report: SinkReport,
}

impl Store {
    /// Says how a unit's sinks stand, in place of what it said before.
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
        let sql = "-- forget_sinks()
            DELETE FROM metrics_sinks WHERE seen_at < clock_timestamp() - make_interval(secs => $1)";
        client.execute(&client.prepare_cached(sql).await?, &[&FORGET_AFTER.as_secs_f64()]).await?;
        Ok(())
    }

    /// How the sinks stand, as every unit sees them.
    pub async fn sinks(&self) -> Result<Vec<SeenSink>, StoreError> {
        let sql = "-- sinks()
            SELECT unit, seen_at, sink, state, reason, oldest_seconds, waiting_bytes, samples_sent, samples_dropped
            FROM metrics_sinks WHERE seen_at >= clock_timestamp() - make_interval(secs => $1)
            ORDER BY sink, unit";
        let rows = self.client().await?.query(sql, &[&FORGET_AFTER.as_secs_f64()]).await?;
        rows.iter().map(seen).collect()
    }
}

fn seen(row: &Row) -> Result<SeenSink, StoreError> {
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
