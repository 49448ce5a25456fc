//! Service accounts, which programs use to call the management API, and their tokens.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::Role;

/// The default lifetime of an account.
pub const DEFAULT_LIFETIME: Duration = Duration::days(90);
/// The longest lifetime of an account: five years, including leap days.
pub const MAX_LIFETIME: Duration = Duration::days(5 * 365 + 2);

/// The prefix of every token, by which people and secret scanners recognise it.
pub const TOKEN_PREFIX: &str = "cmsa_";
/// The number of random bytes in a token.
const RANDOM_BYTES: usize = 32;
/// The number of check bytes after them, which tell a mistyped token from an unknown one.
const CHECK_BYTES: usize = 4;

/// A program that may call the API. Its token is shown once, when it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its description, written by people.
    pub description: String,
    /// When it expires.
    pub expiry: OffsetDateTime,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// The name of its creator.
    pub created_by: String,
    /// When it was last used, to the minute, if ever.
    pub last_used_at: Option<OffsetDateTime>,
}

/// The name of a service account: 1 to 255 characters, no control characters and no invisible ones, no blanks at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountName(String);

/// Why a text is not the name of a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a service account's name has 1 to 255 characters, no control characters and no invisible ones, and no blanks at its \
     ends"
)]
pub struct InvalidServiceAccountName;

/// Why an expiry is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpiry {
    /// It is not in the future.
    #[error("the expiry is in the past")]
    Past,
    /// It is too far in the future.
    #[error("the expiry is more than five years away")]
    TooFar,
}

/// The token that a program presents. Its debug output does not reveal it.
#[derive(Debug, Clone)]
pub struct ServiceToken(SecretString);

/// Why a text is not the token of a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the token of a service account: copy all of it, including {TOKEN_PREFIX}")]
pub struct InvalidServiceToken;

// === impl ServiceAccount ===

impl ServiceAccount {
    /// Whether it no longer works.
    pub fn is_expired_at(&self, now: OffsetDateTime) -> bool {
        self.expiry <= now
    }
}

/// Returns the expiry of a new account in whole seconds: the wanted one, else [`DEFAULT_LIFETIME`] from now.
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
    /// Validates a name.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidServiceAccountName> {
        let text = text.into();
        // A character is at most four bytes long: do not count the characters of a longer text.
        let is_name = !text.is_empty()
            && text.len() <= 4 * 255
            && text.chars().count() <= 255
            && protocol::text::check_line(&text).is_ok();
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
    /// Creates a token from random bytes.
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Self {
        let mut bytes = random.to_vec();
        bytes.extend(check(random));
        Self(SecretString::from(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Parses a presented token. It may still be unknown.
    pub fn parse(text: &str) -> Result<Self, InvalidServiceToken> {
        let encoded = text.strip_prefix(TOKEN_PREFIX).ok_or(InvalidServiceToken)?;
        let mut bytes = [0; RANDOM_BYTES + CHECK_BYTES];
        match URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes) {
            Ok(length) if length == bytes.len() => {}
            _ => return Err(InvalidServiceToken),
        }
        let (random, presented) = bytes.split_at(RANDOM_BYTES);
        // The check bytes only catch typing mistakes: no comparison in constant time is needed.
        if check(random) == presented {
            Ok(Self(SecretString::from(text.to_owned())))
        } else {
            Err(InvalidServiceToken)
        }
    }

    /// The digest to store.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// The token in plain text, to show it once.
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
    fn expiry_is_ninety_days_by_default_and_at_most_five_years() {
        let now = datetime!(2030-01-01 00:00:00.5 UTC);
        assert_eq!(expiry(None, now), Ok(datetime!(2030-04-01 00:00 UTC)));
        assert_eq!(expiry(Some(now), now), Err(InvalidExpiry::Past));
        let five_years = datetime!(2035-01-01 00:00 UTC);
        assert_eq!(expiry(Some(five_years), now), Ok(five_years));
        assert_eq!(expiry(Some(datetime!(2035-01-03 00:00 UTC)), now), Err(InvalidExpiry::TooFar));
    }

    #[test]
    fn name_has_1_to_255_printable_characters() {
        for name in ["a", "ci/deploy 🦀", &"é".repeat(255)] {
            assert!(ServiceAccountName::new(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "a\0",
            "a\nb",
            "\u{85}",
            "a\u{200b}",
            "\u{202e}a",
            " a",
            "a ",
            &"é".repeat(256),
            &"a".repeat(100_000),
        ] {
            assert_eq!(ServiceAccountName::new(name), Err(InvalidServiceAccountName), "{name:?}");
        }
    }

    #[test]
    fn token_has_a_prefix_and_check_bytes() {
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
        fn parsing_never_panics(text in "(cmsa_)?.{0,80}") {
            let _ = ServiceToken::parse(&text);
        }
    }
}
