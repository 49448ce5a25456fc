//! `GET /1.0`: the caller.

use api::WhoAmI;
use edge::{Error, Response, response};
use protocol::envelope::Envelope;
use sign_in::Principal;

use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// The caller and what they may do.
#[utoipa::path(
    get, path = "/1.0", operation_id = "who_am_i", tag = "sign-in",
    responses((status = 200, body = Envelope<WhoAmI>), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let Principal { actor, email, name, groups, groups_left_out, role, .. } =
        call.principal.ok_or(Error::Unauthorized)?;
    let (role, kind) = (role.map(Into::into), actor.kind.into());
    Ok(response::success(WhoAmI { email, name, groups, groups_left_out, trusted: true, role, kind }))
}
