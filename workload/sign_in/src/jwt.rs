//! Parsing and verification of JSON web tokens. The library `openidconnect` verifies ID tokens; this is for access
//! tokens, and for the name of the key that a token needs.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The accepted algorithms. Neither `none` nor those with a shared secret: a provider's public key is not a secret.
pub(crate) const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The longest accepted token, in bytes.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// The header of a token.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    alg: CoreJwsSigningAlgorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    crit: Option<Value>,
}

/// A token whose signature has not been verified.
pub(crate) struct Unverified<'a> {
    pub(crate) header: Header,
    signed: &'a str,
    claims: Map<String, Value>,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Parses a token; `None` if it is not a signed JSON web token with an accepted algorithm.
    pub(crate) fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims = serde_json::from_slice(&decode(claims)?).ok()?;
        let is_accepted = header.crit.is_none() && ALGORITHMS.contains(&header.alg);
        is_accepted.then_some(())?;
        Some(Self { header, signed, claims, signature: decode(signature)? })
    }

    /// The claims, if one of these keys signed the token.
    pub(crate) fn verify(self, keys: &CoreJsonWebKeySet) -> Option<Map<String, Value>> {
        let Self { header, signed, claims, signature } = self;
        let may_sign = |key: &&CoreJsonWebKey| {
            let is_named =
                header.kid.as_ref().is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
            let is_for_signing = key.key_use().is_none_or(|use_| *use_ == CoreJsonWebKeyUse::Signature);
            let algorithm = match key.signing_alg() {
                JsonWebKeyAlgorithm::Algorithm(algorithm) => *algorithm == header.alg,
                JsonWebKeyAlgorithm::Unspecified => true,
                JsonWebKeyAlgorithm::Unsupported => false,
            };
            is_named && is_for_signing && algorithm
        };
        let verifies =
            |key: &CoreJsonWebKey| key.verify_signature(&header.alg, signed.as_bytes(), &signature).is_ok();
        keys.keys().iter().filter(may_sign).any(verifies).then_some(claims)
    }
}

/// The id of the key that a token claims to be signed with. It is not verified.
pub(crate) fn claimed_key_id(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        kid: Option<String>,
    }
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice::<Named>(&header).ok()?.kid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(header), encode("{}"), encode("signature"))
    }

    #[test]
    fn only_asymmetric_algorithms_are_accepted() {
        assert!(Unverified::parse(&token(r#"{"alg":"RS256"}"#)).is_some());
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES512"}"#,
            r#"{"alg":"RS256","crit":["b64"]}"#,
            r"{}",
            "",
        ] {
            assert!(Unverified::parse(&token(header)).is_none(), "{header}");
        }
        for text in ["", ".", "..", "a.b", "a.b.c.d", "cmsa_x"] {
            assert!(Unverified::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn claimed_key_id_is_read_from_any_token() {
        assert_eq!(claimed_key_id(&token(r#"{"alg":"none","kid":"a"}"#)).as_deref(), Some("a"));
        assert_eq!(claimed_key_id("x"), None);
    }
}
