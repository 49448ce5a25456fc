//! ID tokens: their checks, and what they say about a person.

use std::collections::HashMap;

use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, ClientId, EmptyExtraTokenFields, IdTokenFields,
    IdTokenVerifier, IssuerUrl, Nonce, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::access::Person;
use time::OffsetDateTime;

use crate::jwt::ALGORITHMS;

/// How far the provider's clock may differ from the hub's, in seconds.
pub(crate) const LEEWAY_SECONDS: i64 = 60;

/// The claims that OpenID Connect does not define.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OtherClaims(HashMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

pub(crate) type IdToken = openidconnect::IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
pub(crate) type TokenResponse = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type IdTokenClaims = openidconnect::IdTokenClaims<OtherClaims, CoreGenderClaim>;

/// What an ID token must contain.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a IssuerUrl,
    pub(crate) client_id: &'a str,
    pub(crate) groups_claim: &'a str,
    /// The nonce of the sign-in; `None` for a renewal.
    pub(crate) nonce: Option<&'a str>,
    /// The access token that was issued with it.
    pub(crate) access_token: &'a AccessToken,
}

/// What a verified ID token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) profile: Profile,
    /// `None` if the token has no claim for groups.
    pub(crate) groups: Option<Vec<String>>,
    /// The token's expiry, in seconds since 1970.
    pub(crate) expires_at: i64,
}

/// What a token says about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) subject: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// Verifies an ID token. The error is for the log.
pub(crate) fn verify(
    token: &IdToken,
    keys: &CoreJsonWebKeySet,
    expected: &Expected<'_>,
) -> Result<Verified, String> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let client_id = ClientId::new(expected.client_id.to_owned());
    let earliest = timestamp(now - LEEWAY_SECONDS);
    let latest = timestamp(now + LEEWAY_SECONDS);
    let verifier = IdTokenVerifier::new_public_client(client_id, expected.issuer.clone(), keys.clone())
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || earliest)
        .set_issue_time_verifier_fn(move |at| {
            if at > latest { Err("it was issued in the future".to_owned()) } else { Ok(()) }
        })
        // Some providers name further audiences; see `check_party`.
        .set_other_audience_verifier_fn(|_| true);
    let check_nonce = |found: Option<&Nonce>| match (expected.nonce, found) {
        (None, _) => Ok(()),
        (Some(wanted), Some(found)) if found.secret() == wanted => Ok(()),
        (Some(_), _) => Err("the nonce does not match".to_owned()),
    };
    let claims = token.claims(&verifier, check_nonce).map_err(|error| crate::provider::chain(&error))?;
    check_party(claims, expected.client_id)?;
    check_not_before(claims, now)?;
    check_access_token(token, claims, &verifier, expected.access_token)?;
    if claims.subject().as_str().contains('\0') {
        return Err("the subject cannot be stored".to_owned());
    }
    let groups = claims.additional_claims().0.get(expected.groups_claim);
    Ok(Verified {
        profile: profile(claims),
        groups: groups.map(self::groups),
        expires_at: claims.expiration().timestamp(),
    })
}

/// Checks that the token was issued for this client. A token for several audiences must say so. The library does not
/// check this.
fn check_party(claims: &IdTokenClaims, client_id: &str) -> Result<(), String> {
    match claims.authorized_party() {
        Some(party) if party.as_str() == client_id => Ok(()),
        None if claims.audiences().len() == 1 => Ok(()),
        _ => Err("it was issued for another client".to_owned()),
    }
}

fn check_not_before(claims: &IdTokenClaims, now: i64) -> Result<(), String> {
    match claims.additional_claims().0.get("nbf") {
        None => Ok(()),
        // Some providers send fractions of seconds.
        Some(at) => match at.as_f64() {
            Some(at) if at <= (now + LEEWAY_SECONDS) as f64 => Ok(()),
            _ => Err("it is not valid yet".to_owned()),
        },
    }
}

fn check_access_token(
    token: &IdToken,
    claims: &IdTokenClaims,
    verifier: &IdTokenVerifier<'_, openidconnect::core::CoreJsonWebKey>,
    access_token: &AccessToken,
) -> Result<(), String> {
    let Some(wanted) = claims.access_token_hash() else { return Ok(()) };
    let algorithm = token.signing_alg().map_err(|error| error.to_string())?;
    let key = token.signing_key(verifier).map_err(|error| error.to_string())?;
    let hash =
        AccessTokenHash::from_token(access_token, algorithm, key).map_err(|error| error.to_string())?;
    if hash == *wanted { Ok(()) } else { Err("the access token does not belong to it".to_owned()) }
}

fn profile(claims: &IdTokenClaims) -> Profile {
    let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
    Profile {
        subject: claims.subject().as_str().to_owned(),
        name: name.or_else(|| claims.preferred_username().map(|name| name.as_str().to_owned())),
        email: claims.email().map(|email| email.as_str().to_owned()),
    }
}

impl Profile {
    /// The person. The name falls back to the email address, then to the subject.
    pub(crate) fn person(self) -> Person {
        let Self { subject, name, email } = self;
        let email = storable(email).unwrap_or_default();
        let name = storable(name).or_else(|| Some(email.clone()).filter(|email| !email.is_empty()));
        Person { name: name.unwrap_or_else(|| subject.clone()), subject, email }
    }

    /// The person after a renewal. What the new token does not say stays unchanged.
    pub(crate) fn updated_person(mut self, former: Person) -> Person {
        // A name that is the address or the subject was a fallback.
        let had_name = former.name != former.email && former.name != former.subject;
        self.name = storable(self.name).or(had_name.then_some(former.name));
        self.email = storable(self.email).or(Some(former.email));
        self.person()
    }
}

/// A text that is not blank, without NUL, which PostgreSQL cannot store.
fn storable(text: Option<String>) -> Option<String> {
    text.map(|text| text.replace('\0', "")).filter(|text| !text.trim().is_empty())
}

/// The groups of a claim, which is a list of names or one name.
pub(crate) fn groups(claim: &Value) -> Vec<String> {
    match claim {
        Value::String(group) => vec![group.clone()],
        Value::Array(groups) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn timestamp(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_are_a_list_or_one_name() {
        assert_eq!(groups(&json!(["a", "b"])), ["a", "b"]);
        assert_eq!(groups(&json!("a,b")), ["a,b"]);
        assert_eq!(groups(&json!([1, "b", null])), ["b"]);
        assert!(groups(&json!({"a": true})).is_empty());
        assert!(groups(&Value::Null).is_empty());
    }

    fn profile(name: Option<&str>, email: Option<&str>) -> Profile {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Profile { subject: "sub".to_owned(), name: text(name), email: text(email) }
    }

    #[test]
    fn name_falls_back_to_email_and_subject() {
        let name = |name, email| profile(name, email).person().name;
        assert_eq!(name(Some("Ada"), Some("ada@example.com")), "Ada");
        assert_eq!(name(Some(" "), Some("ada@example.com")), "ada@example.com");
        assert_eq!(name(None, Some("")), "sub");
        assert_eq!(name(Some("A\0da"), None), "Ada");
    }

    #[test]
    fn missing_claims_of_a_later_token_change_nothing() {
        let later = |former: Profile, name, email| {
            let Person { name, email, .. } = profile(name, email).updated_person(former.person());
            (name, email)
        };
        let pair = |name: &str, email: &str| (name.to_owned(), email.to_owned());
        let ada = || profile(Some("Ada"), Some("ada@example.com"));
        assert_eq!(later(ada(), None, None), pair("Ada", "ada@example.com"));
        assert_eq!(later(ada(), Some(" "), Some("")), pair("Ada", "ada@example.com"));
        assert_eq!(later(ada(), Some("Ada B"), None), pair("Ada B", "ada@example.com"));
        assert_eq!(later(ada(), None, Some("b@example.com")), pair("Ada", "b@example.com"));
        let nameless = || profile(None, Some("ada@example.com"));
        assert_eq!(later(nameless(), None, Some("b@example.com")), pair("b@example.com", "b@example.com"));
        assert_eq!(
            later(profile(None, None), None, Some("b@example.com")),
            pair("b@example.com", "b@example.com")
        );
    }
}
