//! `GET /oidc/login`: sends a person to the identity provider.

use edge::{Error, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, RedirectUrl, Scope};
use url::form_urlencoded;

use crate::attempt::Attempt;
use crate::cookie::SessionCookie;
use crate::sign_in::{BrowserRequest, SCOPES, SignIn};
use crate::{host, page, redirect};

/// The text for a person while the provider does not respond.
pub(crate) const PROVIDER_AWAY: &str =
    "The identity provider does not respond. Existing sessions continue. Try again in a moment.";

impl SignIn {
    /// Begins a sign-in. The parameter `next` is the page to show afterwards.
    pub async fn login(&self, visit: BrowserRequest) -> Result<Response, Error> {
        let next = parameter(&visit.query, "next");
        let next = redirect::sanitise(next.as_deref());
        let callback = format!("{}/oidc/callback", self.origin(&visit)?);
        let known = match self.provider.known_and_responding().await {
            Ok(known) => known,
            Err(away) => {
                let error = Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) };
                return Ok(page::problem(&visit.headers, error, PROVIDER_AWAY, next));
            }
        };
        let client = self
            .client(&known)
            .set_redirect_uri(RedirectUrl::new(callback.clone()).map_err(Error::internal)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        // The library adds `openid`.
        for scope in SCOPES.iter().filter(|scope| **scope != "openid") {
            request = request.add_scope(Scope::new((*scope).to_owned()));
        }
        if let Some(audience) = &self.options.audience {
            request = request.add_extra_param("audience", audience.clone());
        }
        let (address, state, nonce) = request.set_pkce_challenge(challenge).url();
        let attempt = Attempt {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            callback,
            next: next.to_owned(),
            former: SessionCookie::of(&visit.headers).map(|cookie| cookie.id().0),
            expires_at: Attempt::new_expiry(),
        };
        let mut response = found(address.as_str())?;
        attempt.store(self.store.crypter(), &visit.headers, &mut response)?;
        Ok(response)
    }

    /// The public origin of the hub for this request.
    pub(crate) fn origin(&self, request: &BrowserRequest) -> Result<String, Error> {
        host::origin(
            self.options.domain.as_deref(),
            request.host.as_deref(),
            &self.options.identity.leaf_names(),
        )
    }
}

/// A parameter of the query.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A redirect (302).
pub(crate) fn found(location: &str) -> Result<Response, Error> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(location).map_err(Error::internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
