//! `GET /1.0/fleet`: totals of the fleet.

use api::FleetTotals;
use edge::{Error, Response, response};
use protocol::envelope::Envelope;
use sign_in::errors::from_store;
use time::OffsetDateTime;

use crate::http::call::Call;
use crate::http::delivery::{EntityTag, with_tag};
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// Totals of the fleet: clusters by health and by warning, members and instances by status, memory and storage.
#[utoipa::path(
    get, path = "/1.0/fleet", operation_id = "fleet_totals", tag = "clusters",
    responses(
        (status = 200, body = Envelope<FleetTotals>),
        (status = 304, description = "The totals still match the entity tag in `If-None-Match`."),
        AuthenticationErrors, CommonErrors
    )
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let management = &call.management;
    let (clock, totals) =
        management.store.fleet_totals(&management.options.health).await.map_err(from_store)?;
    let totals = FleetTotals::new(totals, &clock);
    // The time of the response alone does not make a new state.
    let tag = EntityTag::of(&FleetTotals { as_of: OffsetDateTime::UNIX_EPOCH, ..totals.clone() });
    Ok(with_tag(tag, response::success(totals)))
}
