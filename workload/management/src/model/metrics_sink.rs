//! How a sink of metrics stands.

use serde::{Deserialize, Serialize};
use store::metrics_sinks::SeenSink;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// How one unit sees a sink of metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsSink {
    /// Its host and port, as in the unit's metrics and logs.
    pub sink: String,
    /// The unit, which has another number after every start.
    pub unit: String,
    /// `idle`: nothing was sent to it yet; `taking`; `failing`: samples wait.
    pub state: String,
    /// Why it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many seconds the oldest samples have waited for it.
    pub oldest_seconds: f64,
    /// The bytes of samples that wait for it.
    pub waiting_bytes: i64,
    /// Samples that it took since the unit began.
    pub samples_sent: i64,
    /// Samples that it will not get, since the unit began: the unit's metrics say why.
    pub samples_dropped: i64,
    /// When the unit said so.
    #[serde(with = "time::serde::rfc3339")]
    pub seen_at: OffsetDateTime,
}

impl From<SeenSink> for MetricsSink {
    fn from(SeenSink { unit, seen_at, report }: SeenSink) -> Self {
        Self {
            sink: report.sink,
            unit: unit.to_string(),
            state: report.state,
            reason: report.reason,
            oldest_seconds: report.oldest_seconds,
            waiting_bytes: report.waiting_bytes,
            samples_sent: report.samples_sent,
            samples_dropped: report.samples_dropped,
            seen_at,
        }
    }
}
