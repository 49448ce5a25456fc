//! `GET /1.0/configuration`: what this hub is set to, secrets masked.

use std::collections::BTreeMap;

use edge::{Error, Response, response};

use crate::call::Call;
use crate::model::{Answer, Anywhere, SettingView, SignedIn};

/// Every setting that people may see, by its key.
#[utoipa::path(
    get, path = "/1.0/configuration", operation_id = "configuration", tag = "server",
    responses((status = 200, body = Answer<BTreeMap<String, SettingView>>), SignedIn, Anywhere)
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    Ok(response::success(&call.management.options.configuration))
}
