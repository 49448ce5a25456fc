//! `GET /1.0/fleet`: what the fleet adds up to.

use edge::{Error, Response, response};
use time::OffsetDateTime;

use crate::call::Call;
use crate::delivery::{EntityTag, kept};
use crate::errors::from_store;
use crate::model::{Answer, Anywhere, FleetTotals, SignedIn};

/// What the fleet adds up to: clusters by health and by warnings, members and instances by status, memory, storage.
#[utoipa::path(get, path = "/1.0/fleet", operation_id = "fleet_totals", tag = "clusters", responses(
    (status = 200, body = Answer<FleetTotals>),
    (status = 304, description = "The totals are what `If-None-Match` names."),
    SignedIn, Anywhere))]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let management = &call.management;
    let (clock, totals) =
        management.store.fleet_totals(&management.options.health).await.map_err(from_store)?;
    let totals = FleetTotals::new(totals, &clock);
    // The time of the answer alone is no news.
    let tag = EntityTag::of(&FleetTotals { as_of: OffsetDateTime::UNIX_EPOCH, ..totals.clone() });
    Ok(kept(tag, response::success(totals)))
}
