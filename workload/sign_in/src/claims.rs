//! ID tokens: their checks, and what they say about a person.

use openid_documents::document::whole;
use openid_documents::{Document, Unreadable};
use serde_json::Value;
use store::access::Person;
use time::OffsetDateTime;

use crate::jwt::{Unverified, access_token_hash};
use crate::provider::keys::Keys;

/// How far the provider's clock may differ from the hub's, in seconds.
pub(crate) const LEEWAY_SECONDS: i64 = 60;
/// The longest subject, in bytes. OpenID Connect allows 255 ASCII characters; the index of the database more.
const MAX_SUBJECT_BYTES: usize = 1000;
/// The longest name or address that is kept, in characters.
const MAX_TEXT_CHARS: usize = 1000;

/// What an ID token must contain.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) groups_claim: &'a str,
    /// The nonce of the sign-in; `None` for a renewal.
    pub(crate) nonce: Option<&'a str>,
    /// The access token that was issued with it, if there is one.
    pub(crate) access_token: Option<&'a str>,
}

/// What a verified ID token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) profile: Profile,
    pub(crate) groups: Groups,
    /// The token's expiry, in seconds since 1970.
    pub(crate) expires_at: i64,
}

/// What a token says about a person's groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    /// The groups; empty if the token has no claim for them.
    pub(crate) names: Vec<String>,
    /// The provider left the groups out, because they are too many for a token.
    pub(crate) left_out: bool,
    /// The name of the claim, if something in it is not a text.
    unreadable: Option<String>,
}

/// What a token says about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) subject: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// Verifies an ID token. The error is for the log: it names the claim, and never its value.
pub(crate) fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Verified, String> {
    let unverified = Unverified::parse(token)?;
    let kind = unverified.header.typ.as_deref().map(str::to_ascii_lowercase);
    if !matches!(kind.as_deref(), None | Some("jwt" | "application/jwt")) {
        return Err("header: \"typ\" is that of another kind of token".to_owned());
    }
    let Some((claims, algorithm)) = unverified.verify(keys) else {
        return Err("no key of the identity provider verifies its signature".to_owned());
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let expires_at = check(&claims, expected, now).map_err(|problem| problem.to_string())?;
    let hash = expected.access_token.map(|token| access_token_hash(&algorithm, token));
    let is_other = |stated: Value| hash.as_deref().is_some_and(|hash| stated != *hash);
    if claims.value("at_hash").is_some_and(is_other) {
        return Err("claims: \"at_hash\" is not that of the access token".to_owned());
    }
    Ok(Verified {
        profile: Profile::read(&claims).map_err(|problem| problem.to_string())?,
        groups: Groups::read(&claims, expected.groups_claim),
        expires_at,
    })
}

/// Why claims are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidClaims {
    /// A needed claim cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A claim has another value than it must have.
    #[error("claims: {0}")]
    Wrong(&'static str),
}

/// Checks everything but the signature and the person. Returns the expiry, in seconds since 1970.
fn check(claims: &Document, expected: &Expected<'_>, now: i64) -> Result<i64, InvalidClaims> {
    let wrong = |problem| Err(InvalidClaims::Wrong(problem));
    if claims.required_text("iss")? != expected.issuer {
        return wrong("\"iss\" is another issuer");
    }
    let audiences = claims.texts("aud");
    if audiences.is_empty() {
        return Err(claims.problem("aud", "a text or a list of texts").into());
    }
    if !audiences.iter().any(|audience| audience == expected.client_id) {
        return wrong("\"aud\" is another client");
    }
    // A token for several audiences must say that it was issued for this client.
    let is_for_several = matches!(claims.value("aud"), Some(Value::Array(all)) if all.len() > 1);
    match claims.value("azp") {
        Some(Value::String(party)) if party == expected.client_id => {}
        None if !is_for_several => {}
        None => return wrong("\"azp\" is missing, and \"aud\" names several audiences"),
        Some(_) => return wrong("\"azp\" is another client"),
    }
    let (latest, earliest) = ((now + LEEWAY_SECONDS) as f64, (now - LEEWAY_SECONDS) as f64);
    let expires_at = claims.required_number("exp")?;
    if expires_at <= earliest {
        return wrong("\"exp\" has passed");
    }
    if claims.value("nbf").is_some() && claims.required_number("nbf")? > latest {
        return wrong("\"nbf\" is in the future");
    }
    // When it was issued decides nothing but this.
    if claims.number("iat").is_some_and(|at| at > latest) {
        return wrong("\"iat\" is in the future");
    }
    if let Some(nonce) = expected.nonce
        && claims.required_text("nonce")? != nonce
    {
        return wrong("\"nonce\" is that of another sign-in");
    }
    Ok(whole(expires_at))
}

impl Groups {
    /// Reads the groups: a list of names, or one name.
    pub(crate) fn read(claims: &Document, claim: &str) -> Self {
        let names = claims.texts(claim);
        let count = match claims.value(claim) {
            None => 0,
            Some(Value::Array(all)) => all.len(),
            Some(_) => 1,
        };
        let unreadable = (names.len() < count).then(|| claim.to_owned());
        Self { left_out: names.is_empty() && are_left_out(claims, claim), names, unreadable }
    }

    /// Writes into the log what keeps a person from their role.
    pub(crate) fn log(&self, subject: &str) {
        if self.left_out {
            tracing::warn!(
                subject,
                "the identity provider left out a person's groups, because they are too many for a token: let it \
                 send only the groups that are assigned to Cluster Manager"
            );
        }
        if let Some(claim) = &self.unreadable {
            tracing::warn!(subject, claim, "groups that are not texts are ignored");
        }
    }
}

/// Whether the token says that groups exist but are not in it: they can be fetched elsewhere (OpenID Connect Core, section
/// 5.6.2), or Microsoft's `hasgroups` says so.
fn are_left_out(claims: &Document, claim: &str) -> bool {
    let is_elsewhere = match claims.value("_claim_names") {
        Some(Value::Object(names)) => names.contains_key(claim) || names.contains_key("groups"),
        _ => false,
    };
    let has_groups = match claims.value("hasgroups") {
        Some(Value::Bool(has)) => has,
        Some(Value::String(has)) => has.eq_ignore_ascii_case("true"),
        _ => false,
    };
    is_elsewhere || has_groups || claims.has("groups:src1")
}

impl Profile {
    /// Reads who it is. Only the subject is needed.
    pub(crate) fn read(claims: &Document) -> Result<Self, InvalidClaims> {
        let subject = claims.required_text("sub")?;
        if subject.contains('\0') || subject.trim().is_empty() || subject.len() > MAX_SUBJECT_BYTES {
            return Err(InvalidClaims::Wrong("\"sub\" is blank, longer than 1,000 bytes, or contains NUL"));
        }
        let name = storable(claims.text("name")).or_else(|| claims.text("preferred_username"));
        Ok(Self { subject, name, email: claims.text("email") })
    }

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

/// A text that is not blank, cut to a length that can be shown, without NUL, which PostgreSQL cannot store.
fn storable(text: Option<String>) -> Option<String> {
    let cut = |text: String| text.chars().filter(|c| *c != '\0').take(MAX_TEXT_CHARS).collect::<String>();
    text.map(cut).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(claims: &Value) -> Document {
        Document::read("claims", claims.to_string().as_bytes()).unwrap()
    }

    fn groups(claims: Value) -> Groups {
        Groups::read(&document(&claims), "g")
    }

    #[test]
    fn groups_are_a_list_or_one_name() {
        for (claim, names, is_readable) in [
            (json!(["a", "b"]), &["a", "b"][..], true),
            (json!("a,b"), &["a,b"], true),
            (json!([1, "b", null]), &["b"], false),
            (json!({"a": true}), &[], false),
            (json!(5), &[], false),
            (json!([]), &[], true),
            (Value::Null, &[], true),
        ] {
            let read = groups(json!({"g": claim}));
            assert_eq!(
                (read.names.as_slice(), read.unreadable.is_none()),
                (&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()[..], is_readable),
                "{claim}"
            );
            assert!(!read.left_out);
        }
    }

    #[test]
    fn left_out_groups_are_noticed() {
        for claims in [
            json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}}),
            json!({"_claim_names": {"g": "src1"}}),
            json!({"g": [], "hasgroups": true}),
            json!({"hasgroups": "true"}),
            json!({"groups:src1": "https://x"}),
        ] {
            assert!(groups(claims.clone()).left_out, "{claims}");
        }
        for claims in [
            json!({}),
            json!({"hasgroups": false}),
            json!({"hasgroups": null, "_claim_names": null}),
            json!({"_claim_names": {"address": "src1"}}),
            json!({"_claim_names": "groups"}),
            json!({"g": ["a"], "_claim_names": {"groups": "src1"}, "hasgroups": true}),
        ] {
            assert!(!groups(claims.clone()).left_out, "{claims}");
        }
    }

    #[test]
    fn subject_is_needed_and_nothing_else() {
        let read = |claims: Value| Profile::read(&document(&claims)).map_err(|problem| problem.to_string());
        let odd = json!({"sub": "s", "name": {"de": "x"}, "preferred_username": 7, "email": ["x"]});
        assert_eq!(read(odd).unwrap().person().name, "s");
        let named = json!({"sub": "s", "name": " ", "preferred_username": "ada", "email": null});
        assert_eq!(read(named).unwrap().person().name, "ada");
        let long = read(json!({"sub": "s", "name": "é".repeat(5000)})).unwrap().person();
        assert_eq!(long.name.chars().count(), MAX_TEXT_CHARS);
        for (subject, problem) in [
            (json!(""), "claims: \"sub\" is missing"),
            (Value::Null, "claims: \"sub\" is missing"),
            (json!(7), "claims: \"sub\" must be a text, and is another number"),
            (json!("a\u{0}"), "claims: \"sub\" is blank, longer than 1,000 bytes, or contains NUL"),
            (json!(" "), "claims: \"sub\" is blank, longer than 1,000 bytes, or contains NUL"),
            (json!("a".repeat(1001)), "claims: \"sub\" is blank, longer than 1,000 bytes, or contains NUL"),
        ] {
            assert_eq!(read(json!({ "sub": subject })).unwrap_err(), problem);
        }
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
