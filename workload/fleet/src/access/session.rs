//! People's sessions as they are listed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use time::OffsetDateTime;
use uuid::Uuid;

use super::credential::CredentialId;

/// A session in a list: whose it is, since when, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSession {
    /// Names the session to people. It is no credential.
    pub id: Uuid,
    /// What its browser presents.
    pub credential: CredentialId,
    /// The person's permanent id.
    pub subject: String,
    /// The person's name; may be empty.
    pub name: String,
    /// The person's email address; may be empty.
    pub email: String,
    /// When the person signed in.
    pub created_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub last_used_at: OffsetDateTime,
    /// When it ends if it is not used.
    pub expires_at: OffsetDateTime,
    /// The address that the sign-in came from, if it is known.
    pub address: Option<IpAddr>,
    /// How the browser described itself at the sign-in, at most 255 characters.
    pub user_agent: Option<String>,
}

/// One page of sessions, the newest sign-in first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<PersonSession>,
    /// Where the page ended, if there are more.
    pub next: Option<SessionPosition>,
    /// The number of sessions on all pages.
    pub total: u64,
}

/// The position where a page ended: the last session's sign-in and id. As text it is the cursor of the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPosition {
    /// When the session began, in whole microseconds.
    pub created_at: OffsetDateTime,
    /// Its id.
    pub id: Uuid,
}

/// A text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("\"cursor\" must be a next_cursor of this list")]
pub struct InvalidSessionCursor;

impl fmt::Display for SessionPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at.unix_timestamp_nanos() / 1000, self.id)
    }
}

impl FromStr for SessionPosition {
    type Err = InvalidSessionCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (micros, id) = text.split_once('.')?;
            let nanos = i128::from(micros.parse::<i64>().ok()?) * 1000;
            let created_at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
            Some(Self { created_at, id: id.parse().ok()? })
        };
        read().ok_or(InvalidSessionCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_read_back_exactly() {
        let created_at = OffsetDateTime::from_unix_timestamp_nanos(1_764_540_000_123_456_000).unwrap();
        let position = SessionPosition { created_at, id: Uuid::from_u128(7) };
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", ".", "1", "x.y", "9223372036854775807.00000000-0000-0000-0000-000000000007", "1.2.3"]
        {
            assert_eq!(text.parse::<SessionPosition>(), Err(InvalidSessionCursor), "{text}");
        }
    }
}
