//! Metrics sinks.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::word::SinkState;

/// A metrics sink as one unit of the hub sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsSink {
    /// The sink's host and port, as in the unit's metrics and logs.
    pub sink: String,
    /// The unit's id, which changes when the unit restarts.
    pub unit: String,
    /// Whether the sink accepts samples.
    pub state: SinkState,
    /// Why it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long the oldest samples have waited, in seconds.
    pub oldest_seconds: f64,
    /// The size of the samples that wait, in bytes.
    pub waiting_bytes: i64,
    /// The number of samples sent since the unit started.
    pub samples_sent: i64,
    /// The number of samples dropped since the unit started. The unit's metrics show the reasons.
    pub samples_dropped: i64,
    /// When the unit reported this.
    #[serde(with = "time::serde::rfc3339")]
    pub seen_at: OffsetDateTime,
}
