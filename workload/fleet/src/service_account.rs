//! Programs that call the management API: what they are called, what they may do, until when, and the token that
//! proves it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::Role;

/// How long an account works when nobody says otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::days(90);
/// The longest that an account can be made for: five years, leap days included.
pub const MAX_LIFETIME: Duration = Duration::days(5 * 365 + 2);

/// What every token begins with, so that people and secret scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "cmsa_";
/// How many random bytes a token holds.
const RANDOM_BYTES: usize = 32;
/// How many bytes follow them that tell a mistyped token from an unknown one.
const CHECK_BYTES: usize = 4;

/// A program that may call the API. Its token is never shown again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What its maker noted.
    pub description: String,
    /// Until when it works.
    pub expiry: OffsetDateTime,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Who made it, as people write it.
    pub created_by: String,
    /// When it last called, to the minute; none: never.
    pub last_used_at: Option<OffsetDateTime>,
}

/// A name for a service account: 1 to 255 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountName(String);

/// The text cannot name a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service account's name has 1 to 255 characters, none of them a control character")]
pub struct InvalidServiceAccountName;

/// The wanted expiry cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpiry {
    /// It is not in the future.
    #[error("the expiry lies in the past")]
    Past,
    /// It is too far in the future.
    #[error("a service account works for five years at most")]
    TooFar,
}

/// The token that a program presents. Cannot be printed.
#[derive(Debug, Clone)]
pub struct ServiceToken(SecretString);

/// The text is not a whole token of a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a service account's token: copy the whole of it, from {TOKEN_PREFIX} on")]
pub struct InvalidServiceToken;

// === impl ServiceAccount ===

impl ServiceAccount {
    /// Whether it no longer works.
    pub fn is_expired_at(&self, now: OffsetDateTime) -> bool {
        self.expiry <= now
    }
}

/// The expiry that an account gets, in whole seconds: what was asked for, else [`DEFAULT_LIFETIME`] from now.
pub fn expiry(wanted: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<OffsetDateTime, InvalidExpiry> {
    let expiry = wanted.unwrap_or(now + DEFAULT_LIFETIME);
    let expiry = expiry - Duration::nanoseconds(i64::from(expiry.nanosecond()));
    match expiry - now {
        left if left <= Duration::ZERO => Err(InvalidExpiry::Past),
        left if left > MAX_LIFETIME => Err(InvalidExpiry::TooFar),
        _ => Ok(expiry),
    }
}

// === impl ServiceAccountName ===

impl ServiceAccountName {
    /// Checks the text and takes it as a name.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidServiceAccountName> {
        let text = text.into();
        // A character is at most four bytes: what is longer need not be counted.
        let is_name = !text.is_empty()
            && text.len() <= 4 * 255
            && text.chars().count() <= 255
            && !text.chars().any(char::is_control);
        if is_name { Ok(Self(text)) } else { Err(InvalidServiceAccountName) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceAccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServiceAccountName {
    type Err = InvalidServiceAccountName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

// === impl ServiceToken ===

impl ServiceToken {
    /// A token from random bytes that the caller drew.
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Self {
        let mut bytes = random.to_vec();
        bytes.extend(check(random));
        Self(SecretString::from(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Reads a presented token; whether anybody has it is another question.
    pub fn parse(text: &str) -> Result<Self, InvalidServiceToken> {
        let encoded = text.strip_prefix(TOKEN_PREFIX).ok_or(InvalidServiceToken)?;
        let mut bytes = [0; RANDOM_BYTES + CHECK_BYTES];
        match URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes) {
            Ok(length) if length == bytes.len() => {}
            _ => return Err(InvalidServiceToken),
        }
        let (random, presented) = bytes.split_at(RANDOM_BYTES);
        // It guards against typing mistakes, not against anybody: it need not be compared in constant time.
        if check(random) == presented {
            Ok(Self(SecretString::from(text.to_owned())))
        } else {
            Err(InvalidServiceToken)
        }
    }

    /// What may be stored.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// The token as it is handed out, once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromStr for ServiceToken {
    type Err = InvalidServiceToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn check(random: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::digest(random);
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_account_lives_ninety_days_unless_told_otherwise_and_five_years_at_most() {
        let now = datetime!(2030-01-01 00:00:00.5 UTC);
        assert_eq!(expiry(None, now), Ok(datetime!(2030-04-01 00:00 UTC)));
        assert_eq!(expiry(Some(now), now), Err(InvalidExpiry::Past));
        let five_years = datetime!(2035-01-01 00:00 UTC);
        assert_eq!(expiry(Some(five_years), now), Ok(five_years));
        assert_eq!(expiry(Some(datetime!(2035-01-03 00:00 UTC)), now), Err(InvalidExpiry::TooFar));
    }

    #[test]
    fn a_name_is_printable_and_not_too_long() {
        for name in ["a", "ci/deploy 🦀", &"é".repeat(255)] {
            assert!(ServiceAccountName::new(name).is_ok(), "{name}");
        }
        for name in ["", "a\0", "a\nb", "\u{85}", &"é".repeat(256), &"a".repeat(100_000)] {
            assert_eq!(ServiceAccountName::new(name), Err(InvalidServiceAccountName), "{name:?}");
        }
    }

    #[test]
    fn a_token_is_known_by_its_beginning_and_a_mistyped_one_by_its_end() {
        let token = ServiceToken::from_random(&[7; 32]);
        assert!(token.expose().starts_with("cmsa_") && token.expose().len() == 53, "{}", token.expose());
        assert_eq!(ServiceToken::parse(token.expose()).unwrap().digest(), token.digest());
        assert!(!format!("{token:?}").contains("BwcH"));
        for index in 5..53 {
            let mut mistyped = token.expose().to_owned();
            let other = if &mistyped[index..=index] == "A" { "B" } else { "A" };
            mistyped.replace_range(index..=index, other);
            assert!(ServiceToken::parse(&mistyped).is_err(), "{mistyped}");
        }
        for text in ["", "cmsa_", "cmsa_AAAA", &token.expose()[1..], &token.expose()[..52]] {
            assert!(ServiceToken::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_error_never_a_panic(text in "(cmsa_)?.{0,80}") {
            let _ = ServiceToken::parse(&text);
        }
    }
}
