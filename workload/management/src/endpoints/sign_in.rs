//! `GET /1.0/sign-in` and the pages below `/oidc/`: sign-in at the identity provider. HEAD of such a page begins, finishes
//! and ends nothing.

use ::sign_in::BrowserRequest;
use api::SignInSettings;
use edge::{Error, Response, response};
use protocol::envelope::Envelope;

use crate::http::call::Call;
use crate::http::responses::CommonErrors;

/// How people sign in: the identity provider, and the hub's client id there. Needs no sign-in.
#[utoipa::path(
    get, path = "/1.0/sign-in", operation_id = "sign_in_settings", tag = "sign-in", security(()),
    responses((status = 200, body = Envelope<SignInSettings>), CommonErrors)
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    Ok(response::success(call.management.sign_in.settings()))
}

/// Redirects a browser to the identity provider.
pub(crate) async fn login(call: Call) -> Result<Response, Error> {
    let management = call.management.clone();
    management.sign_in.login(browser_request(call)).await
}

/// Finishes a sign-in when the identity provider sends the browser back.
pub(crate) async fn callback(call: Call) -> Result<Response, Error> {
    let (management, origin) = (call.management.clone(), call.origin());
    if call.is_head {
        return management.sign_in.preview_callback(&browser_request(call));
    }
    let callback = management.sign_in.callback(browser_request(call)).await?;
    if let Some(reason) = callback.refused {
        management.note_refused_sign_in(origin, reason);
    }
    Ok(callback.response)
}

/// Signs a browser out.
pub(crate) async fn logout(call: Call) -> Result<Response, Error> {
    let management = call.management.clone();
    if call.is_head {
        return management.sign_in.preview_logout();
    }
    management.sign_in.logout(browser_request(call)).await
}

fn browser_request(call: Call) -> BrowserRequest {
    let origin = call.origin();
    let Call { headers, host, query, .. } = call;
    BrowserRequest { headers, host, query, origin }
}
