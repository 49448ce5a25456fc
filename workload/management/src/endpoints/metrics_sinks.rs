//! `GET /1.0/metrics-sink`: the state of the metrics sinks.

use api::{MetricsSink, SinkState};
use edge::{Error, Response, response};
use protocol::envelope::Envelope;
use sign_in::errors::from_store;
use store::metrics_sinks::SeenSink;

use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// The state of the metrics sinks, as each unit of the hub that sends to them reports it. The list is empty if no sink
/// is configured, or no unit has reported for a minute.
#[utoipa::path(
    get, path = "/1.0/metrics-sink", operation_id = "metrics_sinks", tag = "server",
    responses((status = 200, body = Envelope<Vec<MetricsSink>>), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let sinks = call.management.store.sinks().await.map_err(from_store)?;
    Ok(response::success(sinks.into_iter().map(metrics_sink).collect::<Vec<_>>()))
}

fn metrics_sink(SeenSink { unit, seen_at, report }: SeenSink) -> MetricsSink {
    MetricsSink {
        sink: report.sink,
        unit: unit.to_string(),
        state: SinkState::from_text(report.state),
        reason: report.reason,
        oldest_seconds: report.oldest_seconds,
        waiting_bytes: report.waiting_bytes,
        samples_sent: report.samples_sent,
        samples_dropped: report.samples_dropped,
        seen_at,
    }
}
