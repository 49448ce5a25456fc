//! `GET /1.0/configuration`: the settings of the hub.

use std::collections::BTreeMap;

use api::SettingView;
use edge::{Error, Response, response};
use protocol::envelope::Envelope;

use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// The settings of the hub by name. Secrets are masked.
#[utoipa::path(
    get, path = "/1.0/configuration", operation_id = "configuration", tag = "server",
    responses(
        (status = 200, body = Envelope<BTreeMap<String, SettingView>>), AuthenticationErrors, CommonErrors
    )
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    Ok(response::success(&call.management.options.configuration))
}
