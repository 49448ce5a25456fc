//! `GET /1.0/metrics-sink`: how the sinks of the sites' metrics stand.

use edge::{Error, Response, response};

use crate::call::Call;
use crate::errors::from_store;
use crate::model::{Answer, Anywhere, MetricsSink, SignedIn};

/// How the sinks of the sites' metrics stand, as each unit that relays to them sees them. Empty where none is
/// configured, or no unit has said anything for a minute.
#[utoipa::path(
    get, path = "/1.0/metrics-sink", operation_id = "metrics_sinks", tag = "server",
    responses((status = 200, body = Answer<Vec<MetricsSink>>), SignedIn, Anywhere)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let sinks = call.management.store.sinks().await.map_err(from_store)?;
    Ok(response::success(sinks.into_iter().map(MetricsSink::from).collect::<Vec<_>>()))
}
