//! `GET /1.0/status`: readiness, for load balancers.

use edge::{Error, Response, response};

use crate::call::Call;
use crate::errors::from_store;
use crate::model::{Answer, Anywhere, Nothing};

/// Whether the API can do its work. Needs no sign-in.
#[utoipa::path(get, path = "/1.0/status", operation_id = "status", tag = "server", security(()), responses((status = 200, body = Answer<Nothing>), Anywhere))]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    call.management.readiness.check().await.map_err(from_store)?;
    Ok(response::routine(response::success(())))
}
