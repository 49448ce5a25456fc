//! Parsing and verification of signed JSON web tokens: ID tokens and access tokens.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openid_documents::Document;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::provider::keys::Keys;

/// The accepted algorithms. Neither `none` nor those with a shared secret: a provider's public key is not a secret.
pub(crate) const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The header of a token.
#[derive(Debug)]
pub(crate) struct Header {
    alg: CoreJwsSigningAlgorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
}

/// A token whose signature has not been verified.
pub(crate) struct Unverified<'a> {
    pub(crate) header: Header,
    signed: &'a str,
    claims: Document,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Parses a token. Fails if it is not a signed JSON web token with an accepted algorithm; the error is for the log.
    pub(crate) fn parse(token: &'a str) -> Result<Self, String> {
        let no_token = || "it is not a signed JSON web token".to_owned();
        let (signed, signature) = token.rsplit_once('.').ok_or_else(no_token)?;
        let (header, claims) = signed.split_once('.').ok_or_else(no_token)?;
        let decode = |part| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| no_token());
        let header = Header::read(&decode(header)?)?;
        let claims = Document::read("claims", &decode(claims)?).map_err(|error| error.to_string())?;
        Ok(Self { header, signed, claims, signature: decode(signature)? })
    }

    /// The claims and the algorithm, if one of these keys signed the token.
    pub(crate) fn verify(self, keys: &Keys) -> Option<(Document, CoreJwsSigningAlgorithm)> {
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
        let is_signed = keys.all().iter().filter(may_sign).any(verifies);
        is_signed.then_some((claims, header.alg))
    }
}

impl Header {
    fn read(text: &[u8]) -> Result<Self, String> {
        let header = Document::read("header", text).map_err(|error| error.to_string())?;
        let name = header.required_text("alg").map_err(|error| error.to_string())?;
        let alg: Option<CoreJwsSigningAlgorithm> = serde_json::from_value(Value::String(name)).ok();
        let alg = alg.filter(|alg| ALGORITHMS.contains(alg));
        let alg = alg.ok_or_else(|| "header: \"alg\" is not an accepted algorithm".to_owned())?;
        if header.has("crit") {
            return Err("header: \"crit\" demands an extension".to_owned());
        }
        Ok(Self { alg, kid: header.text("kid"), typ: header.text("typ") })
    }
}

/// The hash of an access token as an ID token contains it: the left half of its digest (OpenID Connect Core, section
/// 3.1.3.6).
pub(crate) fn access_token_hash(alg: &CoreJwsSigningAlgorithm, token: &str) -> String {
    let digest = match alg {
        CoreJwsSigningAlgorithm::EcdsaP384Sha384 => Sha384::digest(token).to_vec(),
        CoreJwsSigningAlgorithm::EdDsa => Sha512::digest(token).to_vec(),
        _ => Sha256::digest(token).to_vec(),
    };
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2])
}

/// The id of the key that a token claims to be signed with. It is not verified.
pub(crate) fn claimed_key_id(token: &str) -> Option<String> {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    Document::read("header", &header).ok()?.text("kid")
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
        assert!(Unverified::parse(&token(r#"{"alg":"RS256"}"#)).is_ok());
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES512"}"#,
            r#"{"alg":"RS256","crit":["b64"]}"#,
            r#"{"alg":"RS256","crit":null}"#,
            r#"{"alg":["RS256"]}"#,
            r"{}",
            "",
        ] {
            assert!(Unverified::parse(&token(header)).is_err(), "{header}");
        }
        for text in ["", ".", "..", "a.b", "a.b.c.d", "cmsa_x"] {
            assert!(Unverified::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_of_the_header_that_are_not_needed_may_be_anything() {
        let token = token(r#"{"alg":"ES256","kid":7,"typ":null,"x5c":1e999,"cty":[]}"#);
        let header = Unverified::parse(&token).unwrap().header;
        assert_eq!((header.kid, header.typ), (None, None));
    }

    #[test]
    fn access_token_is_hashed_as_the_standard_says() {
        // The example of OpenID Connect Core, appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let hash = access_token_hash(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, token);
        assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn claimed_key_id_is_read_from_any_token() {
        assert_eq!(claimed_key_id(&token(r#"{"alg":"none","kid":"a"}"#)).as_deref(), Some("a"));
        assert_eq!(claimed_key_id("x"), None);
    }
}
