//! A sign-in on its way: what we must remember of it until the provider sends the person back. It is in a cookie,
//! sealed under a key that all units share, so that any unit finishes what another began.

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
const LIFETIME: u64 = 600;
/// How many sign-ins one browser may have on their way; older ones are forgotten.
const MOST: usize = 6;

/// One sign-in on its way. Each has a cookie of its own, so that several tabs do not disturb each other.
#[derive(Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// What comes back with the person, and was known to nobody else.
    pub(crate) state: String,
    /// What must stand in the ID token.
    pub(crate) nonce: String,
    /// What proves to the provider that who redeems the code is who asked for it.
    pub(crate) verifier: String,
    /// Where the provider sends the person back to.
    pub(crate) callback: String,
    /// Which page the person wanted.
    pub(crate) next: String,
    /// The session that the browser had: its cookie does not come with the provider's answer.
    pub(crate) former: Option<[u8; 32]>,
    /// Until when, in seconds since 1970.
    pub(crate) expires_at: i64,
}

impl Attempt {
    /// Until when one that begins now can be finished.
    pub(crate) fn until() -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() + LIFETIME.cast_signed()
    }

    /// Has the browser keep it.
    pub(crate) fn keep(
        &self,
        crypter: &Crypter,
        headers: &HeaderMap,
        response: &mut Response,
    ) -> Result<(), Error> {
        let name = name_for(&self.state);
        let text = serde_json::to_vec(self).map_err(Error::internal)?;
        let sealed = crypter.seal_outside(place(&name), &text).map_err(Error::internal)?;
        let others: Vec<_> = cookie::all(headers).filter(|(name, _)| name.starts_with(PREFIX)).collect();
        for (old, _) in others.iter().take((others.len() + 1).saturating_sub(MOST)) {
            cookie::clear(response, old);
        }
        cookie::set(response, &name, &BASE64_URL_SAFE_NO_PAD.encode(sealed), SameSite::Lax, LIFETIME);
        Ok(())
    }

    /// The one that the provider's answer belongs to, if this browser began it, lately.
    pub(crate) fn of(crypter: &Crypter, headers: &HeaderMap, state: &str) -> Option<Self> {
        let wanted = name_for(state);
        let (_, value) = cookie::all(headers).find(|(name, _)| *name == wanted)?;
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let text = crypter.open_outside(place(&wanted), &sealed).ok()?;
        let attempt: Self = serde_json::from_slice(text.expose_secret()).ok()?;
        let is_live = attempt.expires_at > OffsetDateTime::now_utc().unix_timestamp();
        (is_live && attempt.state == state).then_some(attempt)
    }

    /// Has the browser forget it.
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
            expires_at: Attempt::until(),
        }
    }

    fn kept(attempt: &Attempt, headers: &HeaderMap) -> Vec<String> {
        let mut response = Response::default();
        attempt.keep(&crypter(), headers, &mut response).unwrap();
        let all = response.headers().get_all(SET_COOKIE).into_iter();
        all.map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }

    fn sent(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    #[test]
    fn sign_ins_in_several_tabs_do_not_disturb_each_other() {
        let one = kept(&attempt("one"), &HeaderMap::new());
        let two = kept(&attempt("two"), &sent(&one[0]));
        let headers = sent(&format!("{}; {}", one[0], two[0]));
        assert_eq!(Attempt::of(&crypter(), &headers, "one").unwrap().state, "one");
        assert_eq!(Attempt::of(&crypter(), &headers, "two").unwrap().state, "two");
        assert!(Attempt::of(&crypter(), &headers, "three").is_none());
    }

    #[test]
    fn cookie_of_one_attempt_does_not_open_another() {
        let one = kept(&attempt("one"), &HeaderMap::new()).remove(0);
        let value = one.split_once('=').unwrap().1;
        assert!(Attempt::of(&crypter(), &sent(&format!("{}={value}", name_for("two"))), "two").is_none());
        let mut late = attempt("one");
        late.expires_at -= LIFETIME.cast_signed() + 1;
        assert!(Attempt::of(&crypter(), &sent(&kept(&late, &HeaderMap::new())[0]), "one").is_none());
    }

    #[test]
    fn a_browser_does_not_drown_in_cookies() {
        let many: Vec<_> = (0..9).map(|n| format!("{}=x", name_for(&n.to_string()))).collect();
        let set = kept(&attempt("new"), &sent(&many.join("; ")));
        assert_eq!(set.len(), 1 + 4);
        assert_eq!(set[0], format!("{}=", name_for("0")));
    }
}
