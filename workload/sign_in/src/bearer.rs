//! Access tokens of the identity provider, which programs present.

use edge::Error;
use openid_documents::Document;
use openid_documents::document::whole;
use time::OffsetDateTime;

use crate::claims::{Groups, LEEWAY_SECONDS, Profile};
use crate::jwt::Unverified;
use crate::provider::{Away, Source};
use crate::sign_in::{Caller, SignIn};

/// The longest accepted token, in bytes.
const MAX_TOKEN_BYTES: usize = 16 << 10;

impl SignIn {
    /// The caller with this access token; `None` if it is not valid.
    pub(crate) async fn bearer(&self, token: &str) -> Result<Option<Caller>, Error> {
        let Some(audience) = self.options.audience.as_deref() else { return Ok(None) };
        if token.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let Ok(token) = Unverified::parse(token) else { return Ok(None) };
        let kind = token.header.typ.clone();
        let kid = token.header.kid.as_deref();
        let keys = self.provider.keys_for(kid, Source::Caller).await.map_err(unavailable)?;
        let Some((claims, _)) = token.verify(&keys.known.keys) else { return Ok(None) };
        let rules = Rules {
            issuer: self.provider.issuer().as_str(),
            client_id: &self.options.client_id,
            audience,
            now: OffsetDateTime::now_utc().unix_timestamp(),
        };
        let valid_until = match rules.check(kind.as_deref(), &claims) {
            Ok(valid_until) => valid_until,
            Err(problem) => {
                tracing::info!(problem, "refused an access token");
                return Ok(None);
            }
        };
        let Ok(profile) = Profile::read(&claims) else { return Ok(None) };
        let groups = Groups::read(&claims, &self.options.groups_claim);
        if groups.left_out {
            tracing::info!(subject = profile.subject, "an access token leaves out the groups");
        }
        Ok(Some(Caller {
            person: profile.person(),
            groups: groups.names,
            groups_left_out: groups.left_out,
            credential: None,
            valid_until,
        }))
    }
}

fn unavailable(away: Away) -> Error {
    Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) }
}

/// The requirements for an access token.
struct Rules<'a> {
    issuer: &'a str,
    client_id: &'a str,
    audience: &'a str,
    now: i64,
}

impl Rules<'_> {
    /// `kind` is the header's `typ`. Returns until when the token is accepted, in seconds since 1970.
    fn check(&self, kind: Option<&str>, claims: &Document) -> Result<i64, &'static str> {
        let kind = kind.map(str::to_ascii_lowercase);
        let is_access_token = matches!(kind.as_deref(), Some("at+jwt" | "application/at+jwt"));
        if !is_access_token && !matches!(kind.as_deref(), None | Some("jwt" | "application/jwt")) {
            return Err("it is another kind of token");
        }
        if claims.text("iss").as_deref() != Some(self.issuer) {
            return Err("it comes from another issuer");
        }
        let audiences = claims.texts("aud");
        let is_for = |name: &str| audiences.iter().any(|audience| audience == name);
        if !is_for(self.audience) {
            return Err("it is for another audience");
        }
        // An ID token tells the client who signed in; it does not authorise calls. Keycloak writes the kind into `typ`.
        let is_for_client = is_for(self.client_id);
        let has = |names: &[&str]| names.iter().any(|name| claims.has(name));
        let kind = claims.text("typ");
        if has(&["nonce", "at_hash", "c_hash"]) || kind.is_some_and(|kind| kind != "Bearer") {
            return Err("it is an ID token");
        }
        // Unless the header says that it is an access token, it must not look like anything else. If the audience is itself
        // the name of a client, an ID token of that client has it as its authorized party.
        let party = claims.text("azp");
        let is_for_itself = is_for_client || party.as_deref() == Some(self.audience);
        if !is_access_token && (is_for_itself || has(&["s_hash", "events"])) {
            return Err("it is an ID token");
        }
        let date = |name: &str| match claims.has(name) {
            false => Ok(None),
            true => claims.number(name).map(Some).ok_or("its dates are invalid"),
        };
        let (now, leeway) = (self.now as f64, LEEWAY_SECONDS as f64);
        let Some(expires_at) = date("exp")?.map(|at| at + leeway).filter(|at| *at > now) else {
            return Err("it has expired");
        };
        if [date("nbf")?, date("iat")?].into_iter().flatten().any(|at| at > now + leeway) {
            return Err("it is not valid yet");
        }
        Ok(whole(expires_at))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(claims: &Value) -> Document {
        Document::read("claims", claims.to_string().as_bytes()).unwrap()
    }

    fn check(kind: Option<&str>, changed: Value) -> Result<(), &'static str> {
        let rules = Rules { issuer: "https://idp", client_id: "client", audience: "api", now: 1000 };
        let mut claims = json!({"iss": "https://idp", "aud": "api", "sub": "x", "exp": 1300, "iat": 1000});
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        rules.check(kind, &document(&claims)).map(drop)
    }

    #[test]
    fn valid_access_token_is_accepted() {
        for kind in [None, Some("JWT"), Some("at+jwt"), Some("application/at+JWT")] {
            assert_eq!(check(kind, json!({})), Ok(()));
        }
        assert_eq!(check(None, json!({"aud": ["other", "api"], "typ": "Bearer", "nbf": 1059})), Ok(()));
        assert_eq!(check(None, json!({"exp": 941})), Ok(()));
        assert_eq!(check(None, json!({"exp": "1300", "nbf": "1000.5", "updated_at": "2030-01-01"})), Ok(()));
        assert_eq!(check(Some("at+jwt"), json!({"aud": ["client", "api"]})), Ok(()));
        assert_eq!(check(Some("at+jwt"), json!({"azp": "api"})), Ok(()));
        assert_eq!(check(None, json!({"azp": "robot"})), Ok(()));
    }

    #[test]
    fn any_other_token_is_refused() {
        for (changed, problem) in [
            (json!({"iss": "https://idp/"}), "it comes from another issuer"),
            (json!({"iss": null}), "it comes from another issuer"),
            (json!({"aud": "api2"}), "it is for another audience"),
            (json!({"aud": ["ap", "i"]}), "it is for another audience"),
            (json!({"aud": "client"}), "it is for another audience"),
            (json!({"aud": null}), "it is for another audience"),
            (json!({"aud": ["client", "api"]}), "it is an ID token"),
            (json!({"nonce": "x"}), "it is an ID token"),
            (json!({"at_hash": "x"}), "it is an ID token"),
            (json!({"c_hash": "x"}), "it is an ID token"),
            (json!({"s_hash": "x"}), "it is an ID token"),
            (json!({"events": {}}), "it is an ID token"),
            (json!({"azp": "api"}), "it is an ID token"),
            (json!({"typ": "ID"}), "it is an ID token"),
            (json!({"typ": "Refresh"}), "it is an ID token"),
            (json!({"exp": 940}), "it has expired"),
            (json!({"exp": "soon"}), "its dates are invalid"),
            (json!({"nbf": 1061}), "it is not valid yet"),
            (json!({"iat": 1061}), "it is not valid yet"),
        ] {
            assert_eq!(check(None, changed.clone()), Err(problem), "{changed}");
        }
        assert_eq!(check(Some("logout+jwt"), json!({})), Err("it is another kind of token"));
        let rules = Rules { issuer: "https://idp", client_id: "api", audience: "api", now: 1000 };
        let claims = json!({"iss": "https://idp", "aud": "api", "exp": 1300});
        assert_eq!(rules.check(None, &document(&claims)).map(drop), Err("it is an ID token"));
        assert_eq!(check(None, json!({"exp": null})), Err("its dates are invalid"));
    }
}
