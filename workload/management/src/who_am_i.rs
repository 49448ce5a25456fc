//! `GET /1.0`: who am I.

use edge::{Error, Response, response};

use crate::call::Call;
use crate::model::{Answer, Anywhere, SignedIn, WhoAmI};

/// Who is signed in, and what they may do.
#[utoipa::path(get, path = "/1.0", operation_id = "who_am_i", tag = "sign-in", responses((status = 200, body = Answer<WhoAmI>), SignedIn, Anywhere))]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let principal = call.principal.ok_or(Error::Unauthorized)?;
    Ok(response::success(WhoAmI::from(principal)))
}
