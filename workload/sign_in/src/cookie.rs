//! Cookies: their names, how they are set, and the content of the session's cookie.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edge::{Error, Response};
use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use store::Crypter;
use store::access::SessionId;

/// The name of the session's cookie. Browsers accept a cookie with this prefix only from the host itself, over HTTPS.
pub(crate) const SESSION: &str = "__Host-cm-session";

const LOOKUP_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

/// When a browser sends a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SameSite {
    /// Only with requests of the hub's own pages.
    Strict,
    /// Also when another website opens a page of the hub, as the provider does at the end of a sign-in.
    Lax,
}

/// The session's cookie: a random value that identifies the row, and the key to the content of the row. The two are
/// independent, so that knowing one says nothing about the other.
#[derive(Clone)]
pub(crate) struct SessionCookie(SecretSlice<u8>);

impl SessionCookie {
    pub(crate) fn generate() -> Self {
        let bytes: [u8; LOOKUP_BYTES + KEY_BYTES] = rand::random();
        Self(SecretSlice::from(bytes.to_vec()))
    }

    /// The session's cookie of a request, if it is well-formed.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let (_, value) = all(headers).find(|(name, _)| *name == SESSION)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        (bytes.len() == LOOKUP_BYTES + KEY_BYTES).then(|| Self(SecretSlice::from(bytes)))
    }

    /// The id of the row.
    pub(crate) fn id(&self) -> SessionId {
        SessionId(Sha256::digest(&self.0.expose_secret()[..LOOKUP_BYTES]).into())
    }

    /// The crypter for the content of the row.
    pub(crate) fn crypter(&self) -> Result<Crypter, Error> {
        let key = SecretSlice::from(self.0.expose_secret()[LOOKUP_BYTES..].to_vec());
        Crypter::new(&[key]).map_err(Error::internal)
    }

    pub(crate) fn value(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.expose_secret())
    }
}

/// All cookies of a request, in the order in which the browser sends them: the oldest first.
pub(crate) fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Sets a cookie for this many seconds. Scripts cannot read it.
pub(crate) fn set(response: &mut Response, name: &str, value: &str, same_site: SameSite, seconds: u64) {
    let same_site = match same_site {
        SameSite::Strict => "Strict",
        SameSite::Lax => "Lax",
    };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite={same_site}");
    // Names and values are hexadecimal or base64, so they are always valid.
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// Deletes a cookie.
pub(crate) fn clear(response: &mut Response, name: &str) {
    set(response, name, "", SameSite::Lax, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn session_is_found_among_other_cookies() {
        let cookie = SessionCookie::generate();
        let line = format!("a=b; {SESSION}={}; c", cookie.value());
        let found = SessionCookie::of(&headers(&["x=y", &line])).unwrap();
        assert_eq!((found.id(), found.value()), (cookie.id(), cookie.value()));
    }

    #[test]
    fn malformed_cookie_is_no_session() {
        for value in ["", "abc", "!!!", &"A".repeat(85), &"A".repeat(87), &"A".repeat(10_000)] {
            assert!(SessionCookie::of(&headers(&[&format!("{SESSION}={value}")])).is_none(), "{value}");
        }
        assert!(SessionCookie::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn cookies_are_limited_to_this_host_and_hidden_from_scripts() {
        let mut response = Response::default();
        set(&mut response, SESSION, "x", SameSite::Strict, 60);
        assert_eq!(
            response.headers()[SET_COOKIE],
            "__Host-cm-session=x; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
        );
    }
}
