//! The join token (contract 1.4): JSON in base64, shown once to the administrator of a cluster.
//!
//! People send tokens to each other. Mail clients wrap them, quote them and put quotation marks around them, and other
//! programs write base64 without padding or with the alphabet for URLs. None of that changes what a token says, so all of
//! it is read: [`normalised`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::address::Address;
use crate::fingerprint::Fingerprint;
use crate::json::is_object;
use crate::text::is_hidden;

/// The longest encoded token that is decoded, in bytes, without what was added on its way.
pub const MAX_ENCODED_BYTES: usize = 16 * 1024;
/// The longest text that may contain a token, in bytes.
const MAX_TEXT_BYTES: usize = 4 * MAX_ENCODED_BYTES;

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
#[error("this is not a join token: copy the whole token, from its first character to its last")]
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

    /// Decodes a token as a cluster does, whatever was added on its way: see [`normalised`].
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
    /// Decodes the fields that the hub compares and ignores all others, whatever was added to the token on its way: see
    /// [`normalised`].
    pub fn decode(text: &str) -> Result<Self, InvalidJoinToken> {
        let json = decode_base64(text)?;
        let wire: PresentedWire = serde_json::from_slice(&json).map_err(|_| InvalidJoinToken)?;
        if wire.secret.expose_secret().is_empty() {
            return Err(InvalidJoinToken);
        }
        Ok(Self { secret: Secret(wire.secret), server_name: wire.server_name })
    }
}

/// The token as it was created: base64 in one piece, in the standard alphabet and padded. Fails if the text cannot be a
/// token.
///
/// Left out is what mail clients and people add: line breaks, blanks and invisible characters anywhere, `>` at the
/// beginning of lines, and quotation marks. The alphabet for URLs and missing padding are accepted.
pub fn normalised(text: &str) -> Result<SecretString, InvalidJoinToken> {
    let digits = digits(text)?;
    let padding = "=".repeat(digits.len().wrapping_neg() % 4);
    Ok(SecretString::from(digits + &padding))
}

/// The digits of the token in the standard alphabet, without padding.
fn digits(text: &str) -> Result<String, InvalidJoinToken> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(InvalidJoinToken);
    }
    // An equals sign stands only at the end, so this is one in the encoding of mails (RFC 2045 section 6.7).
    let text = text.replace("=3D", "=");
    let mut digits = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => digits.push(character),
            '-' => digits.push('+'),
            '_' => digits.push('/'),
            other if is_added(other) => {}
            _ => return Err(InvalidJoinToken),
        }
    }
    if digits.len() > MAX_ENCODED_BYTES { Err(InvalidJoinToken) } else { Ok(digits) }
}

/// Whether mail clients and people add this character to a token. The equals sign is padding, or ends a line in the
/// encoding of mails.
fn is_added(character: char) -> bool {
    let is_quotation_mark = matches!(
        character,
        '"' | '\'' | '`' | '\u{b4}' | '<' | '>' | '«' | '»' | '\u{2018}'..='\u{201f}' | '‹' | '›' | '「'..='』' | '＂' | '＇'
    );
    character == '=' || character.is_whitespace() || is_quotation_mark || is_hidden(character)
}

fn decode_base64(text: &str) -> Result<Vec<u8>, InvalidJoinToken> {
    let json = STANDARD_NO_PAD.decode(digits(text)?).map_err(|_| InvalidJoinToken)?;
    if is_object(&json) { Ok(json) } else { Err(InvalidJoinToken) }
}

#[cfg(test)]
mod tests;
