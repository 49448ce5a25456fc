//! Sign-ins under way: what must be remembered until the provider sends the person back. It is kept in a cookie, sealed
//! under a key that all units share, so that any unit can finish a sign-in that another one began.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edge::{Error, Response};
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::Crypter;
use store::database::Place;
use time::OffsetDateTime;

use crate::cookie::{self, SameSite};

const PREFIX: &str = "__Host-cm-sign-in-";
/// How long a person may take at the provider, in seconds.
const LIFETIME_SECONDS: u64 = 600;
/// How many sign-ins one browser can have under way. The oldest ones are forgotten.
const MAX_ATTEMPTS: usize = 6;

/// A sign-in under way. Each has its own cookie, so that tabs do not disturb each other.
#[derive(Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// The OAuth state, which the provider sends back with the person.
    pub(crate) state: String,
    /// The nonce that the ID token must contain.
    pub(crate) nonce: String,
    /// The PKCE verifier, which proves to the provider that the hub asked for the code.
    pub(crate) verifier: String,
    /// The address that the provider sends the person back to.
    pub(crate) callback: String,
    /// The page that the person wanted.
    pub(crate) next: String,
    /// The session that the browser had before. Its cookie is not sent with the provider's redirect.
    pub(crate) former: Option<[u8; 32]>,
    /// When it expires, in seconds since 1970.
    pub(crate) expires_at: i64,
}

impl Attempt {
    /// When an attempt that begins now expires, in seconds since 1970.
    pub(crate) fn new_expiry() -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() + LIFETIME_SECONDS.cast_signed()
    }

    /// Stores it in a cookie of the browser.
    pub(crate) fn store(
        &self,
        crypter: &Crypter,
        headers: &HeaderMap,
        response: &mut Response,
    ) -> Result<(), Error> {
        let name = name_for(&self.state);
        let text = serde_json::to_vec(self).map_err(Error::internal)?;
        let sealed = crypter.seal_outside(place(&name), &text).map_err(Error::internal)?;
        let others: Vec<_> = cookie::all(headers).filter(|(name, _)| name.starts_with(PREFIX)).collect();
        for (old, _) in others.iter().take((others.len() + 1).saturating_sub(MAX_ATTEMPTS)) {
            cookie::clear(response, old);
        }
        cookie::set(response, &name, &BASE64_URL_SAFE_NO_PAD.encode(sealed), SameSite::Lax, LIFETIME_SECONDS);
        Ok(())
    }

    /// The attempt with this state, if this browser began it and it has not expired.
    pub(crate) fn find(crypter: &Crypter, headers: &HeaderMap, state: &str) -> Option<Self> {
        let wanted = name_for(state);
        let (_, value) = cookie::all(headers).find(|(name, _)| *name == wanted)?;
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let text = crypter.open_outside(place(&wanted), &sealed).ok()?;
        let attempt: Self = serde_json::from_slice(text.expose_secret()).ok()?;
        let is_live = attempt.expires_at > OffsetDateTime::now_utc().unix_timestamp();
        (is_live && attempt.state == state).then_some(attempt)
    }

    /// Deletes its cookie.
    pub(crate) fn forget(state: &str, response: &mut Response) {
        cookie::clear(response, &name_for(state));
    }
}

fn name_for(state: &str) -> String {
    format!("{PREFIX}{}", hex::encode(&Sha256::digest(state)[..8]))
}

fn place(name: &str) -> Place<'_> {
    Place { table: "cookie", row: name, column: "sign-in" }
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, HeaderValue, SET_COOKIE};
    use secrecy::SecretSlice;

    use super::*;

    fn crypter() -> Crypter {
        Crypter::new(&[SecretSlice::from(vec![1; 32])]).unwrap()
    }

    fn attempt(state: &str) -> Attempt {
        let text = |text: &str| text.to_owned();
        Attempt {
            state: text(state),
            nonce: text("nonce"),
            verifier: text("verifier"),
            callback: text("https://x/oidc/callback"),
            next: text("/ui/"),
            former: Some([1; 32]),
            expires_at: Attempt::new_expiry(),
        }
    }

    fn stored(attempt: &Attempt, headers: &HeaderMap) -> Vec<String> {
        let mut response = Response::default();
        attempt.store(&crypter(), headers, &mut response).unwrap();
        let all = response.headers().get_all(SET_COOKIE).into_iter();
        all.map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }

    fn sent(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    #[test]
    fn sign_ins_in_several_tabs_are_independent() {
        let one = stored(&attempt("one"), &HeaderMap::new());
        let two = stored(&attempt("two"), &sent(&one[0]));
        let headers = sent(&format!("{}; {}", one[0], two[0]));
        assert_eq!(Attempt::find(&crypter(), &headers, "one").unwrap().state, "one");
        assert_eq!(Attempt::find(&crypter(), &headers, "two").unwrap().state, "two");
        assert!(Attempt::find(&crypter(), &headers, "three").is_none());
    }

    #[test]
    fn cookie_is_bound_to_its_state_and_expires() {
        let one = stored(&attempt("one"), &HeaderMap::new()).remove(0);
        let value = one.split_once('=').unwrap().1;
        assert!(Attempt::find(&crypter(), &sent(&format!("{}={value}", name_for("two"))), "two").is_none());
        let mut late = attempt("one");
        late.expires_at -= LIFETIME_SECONDS.cast_signed() + 1;
        assert!(Attempt::find(&crypter(), &sent(&stored(&late, &HeaderMap::new())[0]), "one").is_none());
    }

    #[test]
    fn oldest_cookies_are_deleted() {
        let many: Vec<_> = (0..9).map(|n| format!("{}=x", name_for(&n.to_string()))).collect();
        let set = stored(&attempt("new"), &sent(&many.join("; ")));
        assert_eq!(set.len(), 1 + 4);
        assert_eq!(set[0], format!("{}=", name_for("0")));
    }
}
