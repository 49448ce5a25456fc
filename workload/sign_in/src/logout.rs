//! `GET /oidc/logout`: ends the session, and the provider's if it supports that.

use edge::{Error, Response};
use url::Url;

use crate::cookie::{self, SessionCookie};
use crate::login::found;
use crate::redirect::SIGNED_OUT;
use crate::sign_in::{BrowserRequest, SignIn};

impl SignIn {
    /// Signs out. Another website cannot sign people out: browsers send the cookie only with requests of the hub's own
    /// pages.
    pub async fn logout(&self, request: BrowserRequest) -> Result<Response, Error> {
        let Some(cookie) = SessionCookie::of(&request.headers) else { return found(SIGNED_OUT) };
        let address = match self.end(&request.origin, &cookie).await? {
            Some(ended) => self.end_at_provider(&request, ended.id_token).await,
            None => None,
        };
        let mut response = found(address.as_ref().map_or(SIGNED_OUT, Url::as_str))?;
        cookie::clear(&mut response, cookie::SESSION);
        Ok(response)
    }

    /// The address at which the provider ends its session. `None` if it has none or does not respond.
    async fn end_at_provider(&self, request: &BrowserRequest, id_token: Option<String>) -> Option<Url> {
        let known = self.provider.known().await.ok()?;
        let mut address = known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        let origin = self.origin(request).ok();
        let mut query = address.query_pairs_mut();
        query.append_pair("client_id", &self.options.client_id);
        if let Some(id_token) = id_token {
            query.append_pair("id_token_hint", &id_token);
        }
        if let Some(origin) = origin {
            query.append_pair("post_logout_redirect_uri", &format!("{origin}{SIGNED_OUT}"));
        }
        drop(query);
        Some(address)
    }
}
