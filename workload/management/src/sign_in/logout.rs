//! `GET /oidc/logout`: ends our session, and the provider's where it has a way to.

use edge::{Error, Response};
use url::Url;

use super::cookie::{self, SessionCookie};
use super::login::found;
use super::redirect::SIGNED_OUT;
use super::{SignIn, Visit};
use crate::call::Call;

/// Signs out. That another site cannot send a person here is seen to by the guard, and by the cookie, which comes with
/// our own pages' requests alone.
pub(crate) async fn logout(call: Call) -> Result<Response, Error> {
    let visit = Visit::from(call);
    let sign_in = &visit.management.sign_in;
    let Some(cookie) = SessionCookie::of(&visit.headers) else { return found(SIGNED_OUT) };
    let there = match sign_in.end(&visit.origin, &cookie).await? {
        Some(ended) => sign_in.end_at_provider(&visit, ended.id_token).await,
        None => None,
    };
    let mut response = found(there.as_ref().map_or(SIGNED_OUT, Url::as_str))?;
    cookie::clear(&mut response, cookie::SESSION);
    Ok(response)
}

impl SignIn {
    /// Where to send a person so that the provider's session ends too. A provider that is away is left alone.
    async fn end_at_provider(&self, visit: &Visit, id_token: Option<String>) -> Option<Url> {
        let known = self.provider.known().await.ok()?;
        let mut there = known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        let origin = self.origin(visit).ok();
        let mut query = there.query_pairs_mut();
        query.append_pair("client_id", &self.options.client_id);
        if let Some(id_token) = id_token {
            query.append_pair("id_token_hint", &id_token);
        }
        if let Some(origin) = origin {
            query.append_pair("post_logout_redirect_uri", &format!("{origin}{SIGNED_OUT}"));
        }
        drop(query);
        Some(there)
    }
}
