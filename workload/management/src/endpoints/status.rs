//! `GET /1.0/status`: readiness, for load balancers.

use edge::{Error, Response, response};
use protocol::envelope::Envelope;
use sign_in::errors::from_store;

use crate::http::call::Call;
use crate::http::responses::{CommonErrors, Nothing};

/// Readiness. Succeeds while the API can serve requests. Needs no sign-in.
#[utoipa::path(
    get, path = "/1.0/status", operation_id = "status", tag = "server", security(()),
    responses((status = 200, body = Envelope<Nothing>), CommonErrors)
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    call.management.readiness.check().await.map_err(from_store)?;
    Ok(response::routine(response::success(())))
}
