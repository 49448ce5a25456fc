//! The join token (contract 1.4): base64 of JSON, handed to a site's administrator once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::join::is_object;
use crate::{Address, Fingerprint};

/// The longest encoded token that is looked at, in bytes.
pub const MAX_ENCODED_BYTES: usize = 16 * 1024;

/// What makes a token hard to guess. Cannot be printed.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

/// The SHA-256 of a token's secret: what is stored in place of it.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

/// A join token with all that a site needs to find and trust the hub.
#[derive(Debug, Clone)]
pub struct JoinToken {
    /// Proves that its holder may enrol the cluster.
    pub secret: Secret,
    /// Until when it works.
    pub expires_at: OffsetDateTime,
    /// Where the hub's connector can be reached.
    pub addresses: Vec<Address>,
    /// The name of the cluster that may join with it.
    pub server_name: String,
    /// The connector's leaf certificate, which the site pins.
    pub fingerprint: Fingerprint,
}

/// What the hub reads of a presented token: clients may have re-encoded the rest (contract 1.2).
#[derive(Debug, Clone)]
pub struct PresentedToken {
    /// The secret, to be compared with the stored digest.
    pub secret: Secret,
    /// The cluster that the token was made for.
    pub server_name: String,
}

/// The text is not base64 of a JSON object with the token's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a join token: copy the whole token, without spaces or line breaks")]
pub struct InvalidJoinToken;

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    secret: std::borrow::Cow<'a, str>,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    addresses: Vec<Address>,
    #[serde(borrow)]
    server_name: std::borrow::Cow<'a, str>,
    fingerprint: Fingerprint,
}

#[derive(Deserialize)]
struct PresentedWire {
    secret: SecretString,
    server_name: String,
}

// === impl Secret ===

impl Secret {
    /// A secret from random bytes that the caller drew; 32 of them are plenty.
    pub fn from_random(bytes: &[u8]) -> Self {
        Self::from_text(hex::encode(bytes))
    }

    /// A secret from the text that stands in a token.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret's bytes: the HMAC key, and what is sealed for keeping.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// What may be stored.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.expose()).into())
    }
}

// === impl SecretDigest ===

impl SecretDigest {
    /// A digest as a database keeps it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the digest of this secret; takes the same time either way.
    pub fn matches(&self, secret: &Secret) -> bool {
        self.0.ct_eq(secret.digest().as_bytes()).into()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

// === impl JoinToken ===

impl JoinToken {
    /// The token as it is handed out.
    pub fn encode(&self) -> SecretString {
        let wire = Wire {
            secret: self.secret.0.expose_secret().into(),
            expires_at: self.expires_at,
            addresses: self.addresses.clone(),
            server_name: (&self.server_name).into(),
            fingerprint: self.fingerprint,
        };
        // Strings, numbers and a date within RFC 3339's years serialize; another date would give an empty token,
        // which nobody can join with.
        let json = serde_json::to_vec(&wire).unwrap_or_default();
        SecretString::from(STANDARD.encode(json))
    }

    /// Reads a token as a site does.
    pub fn decode(text: &str) -> Result<Self, InvalidJoinToken> {
        let json = decode_base64(text)?;
        let wire: Wire<'_> = serde_json::from_slice(&json).map_err(|_| InvalidJoinToken)?;
        if wire.secret.is_empty() || wire.addresses.is_empty() {
            return Err(InvalidJoinToken);
        }
        Ok(Self {
            secret: Secret::from_text(wire.secret),
            expires_at: wire.expires_at,
            addresses: wire.addresses,
            server_name: wire.server_name.into_owned(),
            fingerprint: wire.fingerprint,
        })
    }
}

impl PresentedToken {
    /// Reads what the hub compares; whatever else the token says is not looked at.
    pub fn decode(text: &str) -> Result<Self, InvalidJoinToken> {
        let json = decode_base64(text)?;
        let wire: PresentedWire = serde_json::from_slice(&json).map_err(|_| InvalidJoinToken)?;
        if wire.secret.expose_secret().is_empty() {
            return Err(InvalidJoinToken);
        }
        Ok(Self { secret: Secret(wire.secret), server_name: wire.server_name })
    }
}

fn decode_base64(text: &str) -> Result<Vec<u8>, InvalidJoinToken> {
    if text.len() > MAX_ENCODED_BYTES {
        return Err(InvalidJoinToken);
    }
    let json = STANDARD.decode(text.trim()).map_err(|_| InvalidJoinToken)?;
    if is_object(&json) { Ok(json) } else { Err(InvalidJoinToken) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn token() -> JoinToken {
        JoinToken {
            secret: Secret::from_random(&[7; 32]),
            expires_at: datetime!(2030-01-02 03:04:05.6 UTC),
            addresses: vec!["hub.example.com:30000".parse().unwrap(), "[::1]:9000".parse().unwrap()],
            server_name: "a/b \"c\" 🦀".to_owned(),
            fingerprint: Fingerprint::of_der(b"leaf"),
        }
    }

    #[test]
    fn is_padded_standard_base64_of_the_contracts_json() {
        let json = STANDARD.decode(token().encode().expose_secret()).unwrap();
        insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"secret":"0707070707070707070707070707070707070707070707070707070707070707","expires_at":"2030-01-02T03:04:05.6Z","addresses":["hub.example.com:30000","[::1]:9000"],"server_name":"a/b \"c\" 🦀","fingerprint":"9f91161f43433e49a6de6db680d79f60159f2e4ac9172621a12846428158440b"}"#);
    }

    #[test]
    fn a_site_reads_back_what_the_hub_wrote() {
        let decoded = JoinToken::decode(&format!(" {}\n", token().encode().expose_secret())).unwrap();
        assert_eq!(decoded.secret.expose(), token().secret.expose());
        assert_eq!(decoded.server_name, token().server_name);
        assert_eq!(decoded.addresses, token().addresses);
        assert_eq!(decoded.expires_at, token().expires_at);
    }

    #[test]
    fn a_re_encoded_token_is_known_by_its_secret_and_name() {
        let other = STANDARD.encode(r#"{"server_name":"x","more":[1],"secret":"s","expires_at":"whenever"}"#);
        let presented = PresentedToken::decode(&other).unwrap();
        assert_eq!(presented.server_name, "x");
        assert!(Secret::from_text("s").digest().matches(&presented.secret));
        assert!(!Secret::from_text("t").digest().matches(&presented.secret));
    }

    #[test]
    fn cannot_be_printed() {
        let shown = format!("{:?} {:?}", token(), token().secret.digest());
        assert!(!shown.contains("0707"), "{shown}");
    }

    #[test]
    fn refuses_what_has_no_secret_and_what_is_too_long() {
        for json in ["{}", "[]", r#"{"secret":"","server_name":"x"}"#, r#"{"secret":null,"server_name":"x"}"#]
        {
            assert!(PresentedToken::decode(&STANDARD.encode(json)).is_err(), "{json}");
        }
        assert!(PresentedToken::decode(&STANDARD.encode(" ".repeat(MAX_ENCODED_BYTES))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_an_error_never_a_panic(text in ".{0,200}", json: Vec<u8>) {
            let _ = JoinToken::decode(&text);
            let _ = PresentedToken::decode(&STANDARD.encode(json));
        }

        #[test]
        fn any_name_survives(name in ".{1,255}") {
            let written = JoinToken { server_name: name.clone(), ..token() }.encode();
            prop_assert_eq!(PresentedToken::decode(written.expose_secret()).unwrap().server_name, name);
        }
    }
}
