//! `GET /1.0/sign-in`: what a program needs to sign somebody in at the identity provider.

use edge::{Error, Response, response};

use super::SCOPES;
use super::provider::ProviderState;
use crate::call::Call;
use crate::model::{Answer, Anywhere, SignInSettings};

/// How people sign in: the identity provider, and our name there. Needs no sign-in.
#[utoipa::path(get, path = "/1.0/sign-in", operation_id = "sign_in_settings", tag = "sign-in", security(()), responses((status = 200, body = Answer<SignInSettings>), Anywhere))]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let sign_in = &call.management.sign_in;
    let provider = match sign_in.provider.state() {
        ProviderState::Unknown => "unknown",
        ProviderState::Reachable => "reachable",
        ProviderState::Away => "away",
    };
    Ok(response::success(SignInSettings {
        issuer: sign_in.options.issuer.to_string(),
        client_id: sign_in.options.client_id.clone(),
        audience: sign_in.options.audience.clone(),
        scopes: SCOPES.map(str::to_owned).to_vec(),
        provider: provider.to_owned(),
    }))
}
