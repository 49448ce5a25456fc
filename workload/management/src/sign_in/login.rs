//! `GET /oidc/login`: sends a person to the identity provider.

use edge::{Error, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, RedirectUrl, Scope};
use url::form_urlencoded;

use super::attempt::Attempt;
use super::cookie::SessionCookie;
use super::{SCOPES, SignIn, Visit, host, page, redirect};
use crate::call::Call;

/// Begins a sign-in; `?next=/ui/…` is where the person goes on after it.
pub(crate) async fn login(call: Call) -> Result<Response, Error> {
    let visit = Visit::from(call);
    let next = parameter(&visit.query, "next");
    let next = redirect::sanitise(next.as_deref());
    let sign_in = &visit.management.sign_in;
    let callback = format!("{}/oidc/callback", sign_in.origin(&visit)?);
    let known = match sign_in.provider.answering().await {
        Ok(known) => known,
        Err(away) => {
            let error = Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) };
            return Ok(page::problem(&visit.headers, error, AWAY, next));
        }
    };
    let client =
        sign_in.client(&known).set_redirect_uri(RedirectUrl::new(callback.clone()).map_err(Error::internal)?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let mut request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    // The library asks for `openid` by itself.
    for scope in SCOPES.iter().filter(|scope| **scope != "openid") {
        request = request.add_scope(Scope::new((*scope).to_owned()));
    }
    if let Some(audience) = &sign_in.options.audience {
        request = request.add_extra_param("audience", audience.clone());
    }
    let (there, state, nonce) = request.set_pkce_challenge(challenge).url();
    let attempt = Attempt {
        state: state.into_secret(),
        nonce: nonce.secret().clone(),
        verifier: verifier.into_secret(),
        callback,
        next: next.to_owned(),
        former: SessionCookie::of(&visit.headers).map(|cookie| cookie.id().0),
        expires_at: Attempt::until(),
    };
    let mut response = found(there.as_str())?;
    attempt.keep(sign_in.store.crypter(), &visit.headers, &mut response)?;
    Ok(response)
}

pub(crate) const AWAY: &str =
    "The identity provider does not answer. Who is signed in stays so; try again in a moment.";

impl SignIn {
    /// Our origin, as this request may know it.
    pub(super) fn origin(&self, visit: &Visit) -> Result<String, Error> {
        host::origin(
            self.options.domain.as_deref(),
            visit.host.as_deref(),
            &self.options.identity.leaf_names(),
        )
    }
}

/// A query's parameter.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// 302 to an address that we made.
pub(crate) fn found(location: &str) -> Result<Response, Error> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(location).map_err(Error::internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
