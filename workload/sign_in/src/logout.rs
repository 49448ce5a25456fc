//! `GET /oidc/logout`: ends the session, and the provider's if it supports that.

use edge::{Error, Response};
use url::Url;

use crate::cookie::{self, SessionCookie};
use crate::login::found;
use crate::redirect::SIGNED_OUT;
use crate::sign_in::{BrowserRequest, SignIn};

/// The address that a browser is sent to stays shorter than this. Providers refuse request lines from 4,096 bytes on, and
/// some balancers earlier.
const MAX_ADDRESS_BYTES: usize = 2000;

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

    /// The response that [`Self::logout`] gives without a session. For HEAD, which must not end one.
    pub fn preview_logout(&self) -> Result<Response, Error> {
        found(SIGNED_OUT)
    }

    /// The address at which the provider ends its session. `None` if it has none or does not respond.
    async fn end_at_provider(&self, request: &BrowserRequest, id_token: Option<String>) -> Option<Url> {
        let known = self.provider.known().await.ok()?;
        let page = known.metadata.end_session_endpoint.as_ref()?;
        let back = self.origin(request).ok().map(|origin| format!("{origin}{SIGNED_OUT}"));
        sign_out_address(page, &self.options.client_id, id_token.as_deref(), back.as_deref())
    }
}

/// The provider's page for sign-out with its parameters. What makes the address too long is left out: first the ID token,
/// which only spares the person a question where `client_id` is there, then the way back.
fn sign_out_address(page: &Url, client_id: &str, id_token: Option<&str>, back: Option<&str>) -> Option<Url> {
    let address = |id_token: Option<&str>, back: Option<&str>| {
        let mut address = page.clone();
        let mut query = address.query_pairs_mut();
        query.append_pair("client_id", client_id);
        query.extend_pairs(id_token.map(|token| ("id_token_hint", token)));
        query.extend_pairs(back.map(|back| ("post_logout_redirect_uri", back)));
        drop(query);
        address
    };
    let mut all = [address(id_token, back), address(None, back), address(None, None)].into_iter();
    all.find(|address| address.as_str().len() < MAX_ADDRESS_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_out(page: &str, id_token: &str) -> Option<String> {
        let page = Url::parse(page).unwrap();
        sign_out_address(&page, "hub", Some(id_token), Some("https://hub/ui/login/")).map(String::from)
    }

    #[test]
    fn address_stays_short_for_a_person_in_many_groups() {
        let back = "post_logout_redirect_uri=https%3A%2F%2Fhub%2Fui%2Flogin%2F";
        assert_eq!(
            sign_out("https://idp/end?tenant=a", "short"),
            Some(format!("https://idp/end?tenant=a&client_id=hub&id_token_hint=short&{back}"))
        );
        for token_bytes in [1000, 1890, 1900, 1950, 2000, 8000, 100_000] {
            let address = sign_out("https://idp/end", &"x".repeat(token_bytes)).unwrap();
            assert!(address.len() < MAX_ADDRESS_BYTES && address.ends_with(back), "{address}");
            assert_eq!(address.contains("id_token_hint"), token_bytes < 1900, "{address}");
        }
        let page = format!("https://idp/{}", "x".repeat(1950));
        assert_eq!(sign_out(&page, "token"), Some(format!("{page}?client_id=hub")));
        assert_eq!(sign_out(&format!("{page}{page}"), "token"), None);
    }
}
