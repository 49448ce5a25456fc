//! `GET /oidc/logout`: ends our session, and the provider's where it has a way to.

use edge::{Error, Response};
use url::Url;

use crate::cookie::{self, SessionCookie};
use crate::login::found;
use crate::redirect::SIGNED_OUT;
use crate::sign_in::{BrowserRequest, SignIn};

impl SignIn {
    /// Signs out. That another site cannot send a person here is seen to by the guard, and by the cookie, which comes with
    /// our own pages' requests alone.
    pub async fn logout(&self, request: BrowserRequest) -> Result<Response, Error> {
        let Some(cookie) = SessionCookie::of(&request.headers) else { return found(SIGNED_OUT) };
        let there = match self.end(&request.origin, &cookie).await? {
            Some(ended) => self.end_at_provider(&request, ended.id_token).await,
            None => None,
        };
        let mut response = found(there.as_ref().map_or(SIGNED_OUT, Url::as_str))?;
        cookie::clear(&mut response, cookie::SESSION);
        Ok(response)
    }

    /// Where to send a person so that the provider's session ends too. A provider that is away is left alone.
    async fn end_at_provider(&self, request: &BrowserRequest, id_token: Option<String>) -> Option<Url> {
        let known = self.provider.known().await.ok()?;
        let mut there = known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        let origin = self.origin(request).ok();
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
