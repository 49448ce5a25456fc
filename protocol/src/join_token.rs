//! The join token (contract 1.4): JSON in base64, shown once to the administrator of a cluster.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::address::Address;
use crate::fingerprint::Fingerprint;
use crate::json::is_object;

/// The longest encoded token that is decoded, in bytes.
pub const MAX_ENCODED_BYTES: usize = 16 * 1024;

/// The secret of a join token. Neither `Debug` nor `Display` reveals it.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

/// The SHA-256 of a token's secret, stored in its place.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

/// A join token: everything that a cluster needs to find, trust and join the hub (contract 1.4).
#[derive(Debug, Clone)]
pub struct JoinToken {
    /// Proves that the holder may join.
    pub secret: Secret,
    /// The time from which the token is refused.
    pub expires_at: OffsetDateTime,
    /// The addresses of the connector, tried in order. Never empty in a decoded token.
    pub addresses: Vec<Address>,
    /// The name of the cluster that may join with this token.
    pub server_name: String,
    /// The fingerprint of the connector's leaf certificate, which the cluster pins.
    pub fingerprint: Fingerprint,
}

/// The fields of a presented token that the hub compares. Clients may have re-encoded the JSON (contract 1.2).
#[derive(Debug, Clone)]
pub struct PresentedToken {
    /// The secret, to compare with the stored digest.
    pub secret: Secret,
    /// The name of the cluster that the token was created for.
    pub server_name: String,
}

/// The text is not a JSON object in base64 with the token's fields, or is longer than [`MAX_ENCODED_BYTES`].
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
    /// Builds a secret from random bytes, at least 32.
    pub fn from_random(bytes: &[u8]) -> Self {
        Self::from_text(hex::encode(bytes))
    }

    /// Wraps the secret as written in a token.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret's bytes, which are the HMAC key (contract 1.2).
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// The digest to store in place of the secret.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.expose()).into())
    }
}

// === impl SecretDigest ===

impl SecretDigest {
    /// Wraps the 32 bytes of a stored digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the digest of `secret`, compared in constant time.
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
    /// Encodes the token in base64. The result is empty if the year of `expires_at` is not from 0 to 9999.
    pub fn encode(&self) -> SecretString {
        let wire = Wire {
            secret: self.secret.0.expose_secret().into(),
            expires_at: self.expires_at,
            addresses: self.addresses.clone(),
            server_name: (&self.server_name).into(),
            fingerprint: self.fingerprint,
        };
        // Only a year outside of RFC 3339's range fails to serialize. The empty token that results is refused.
        let json = serde_json::to_vec(&wire).unwrap_or_default();
        SecretString::from(STANDARD.encode(json))
    }

    /// Decodes a token as a cluster does. Surrounding white space is ignored.
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
    /// Decodes the fields that the hub compares and ignores all others. Surrounding white space is ignored.
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
    fn encoded_token_is_padded_base64_of_the_documented_json() {
        let json = STANDARD.decode(token().encode().expose_secret()).unwrap();
        insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"secret":"0707070707070707070707070707070707070707070707070707070707070707","expires_at":"2030-01-02T03:04:05.6Z","addresses":["hub.example.com:30000","[::1]:9000"],"server_name":"a/b \"c\" 🦀","fingerprint":"9f91161f43433e49a6de6db680d79f60159f2e4ac9172621a12846428158440b"}"#);
    }

    #[test]
    fn encoded_token_decodes_to_the_same_fields() {
        let decoded = JoinToken::decode(&format!(" {}\n", token().encode().expose_secret())).unwrap();
        assert_eq!(decoded.secret.expose(), token().secret.expose());
        assert_eq!(decoded.server_name, token().server_name);
        assert_eq!(decoded.addresses, token().addresses);
        assert_eq!(decoded.expires_at, token().expires_at);
    }

    #[test]
    fn re_encoded_token_keeps_its_secret_and_name() {
        let other = STANDARD.encode(r#"{"server_name":"x","more":[1],"secret":"s","expires_at":"whenever"}"#);
        let presented = PresentedToken::decode(&other).unwrap();
        assert_eq!(presented.server_name, "x");
        assert!(Secret::from_text("s").digest().matches(&presented.secret));
        assert!(!Secret::from_text("t").digest().matches(&presented.secret));
    }

    #[test]
    fn debug_output_hides_the_secret() {
        let shown = format!("{:?} {:?}", token(), token().secret.digest());
        assert!(!shown.contains("0707"), "{shown}");
    }

    #[test]
    fn token_without_secret_or_too_long_is_refused() {
        for json in ["{}", "[]", r#"{"secret":"","server_name":"x"}"#, r#"{"secret":null,"server_name":"x"}"#]
        {
            assert!(PresentedToken::decode(&STANDARD.encode(json)).is_err(), "{json}");
        }
        assert!(PresentedToken::decode(&STANDARD.encode(" ".repeat(MAX_ENCODED_BYTES))).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}", json: Vec<u8>) {
            let _ = JoinToken::decode(&text);
            let _ = PresentedToken::decode(&STANDARD.encode(json));
        }

        #[test]
        fn any_name_survives_a_round_trip(name in ".{1,255}") {
            let written = JoinToken { server_name: name.clone(), ..token() }.encode();
            prop_assert_eq!(PresentedToken::decode(written.expose_secret()).unwrap().server_name, name);
        }
    }
}
