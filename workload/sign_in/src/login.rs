//! `GET /oidc/login`: sends a person to the identity provider.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edge::{Error, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use sha2::{Digest as _, Sha256};
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
        let attempt = Attempt {
            state: random(),
            nonce: random(),
            verifier: random(),
            callback,
            next: next.to_owned(),
            former: SessionCookie::of(&visit.headers).map(|cookie| cookie.id().0),
            expires_at: Attempt::new_expiry(),
        };
        let mut address = known.metadata.authorization_endpoint.clone();
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&attempt.verifier));
        let scope = SCOPES.join(" ");
        let mut query = address.query_pairs_mut();
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", self.options.client_id.as_str()),
            ("redirect_uri", attempt.callback.as_str()),
            ("scope", scope.as_str()),
            ("state", attempt.state.as_str()),
            ("nonce", attempt.nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        query.extend_pairs(self.options.audience.as_ref().map(|audience| ("audience", audience)));
        drop(query);
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

/// A text that nobody can guess: 43 characters, as a PKCE verifier must have at least (RFC 7636, section 4.1).
fn random() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
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
