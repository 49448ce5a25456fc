//! Join tokens that wait to be used: for whom, until when.

use protocol::ClusterName;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

/// How long a token works when nobody says otherwise (contract section 2).
pub const DEFAULT_LIFETIME: Duration = Duration::hours(24);

/// A join token that has not been used. The token itself is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingToken {
    /// The cluster that may join with it.
    pub cluster_name: ClusterName,
    /// What its maker noted; becomes the cluster's description.
    pub description: String,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    pub expiry: OffsetDateTime,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// The wanted expiry is not in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the expiry lies in the past")]
pub struct ExpiryInThePast;

impl PendingToken {
    /// Whether it no longer works.
    pub fn is_expired_at(&self, now: OffsetDateTime) -> bool {
        self.expiry <= now
    }
}

/// The expiry that a token gets, in whole seconds: what was asked for, else [`DEFAULT_LIFETIME`] from now.
pub fn expiry(
    wanted: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, ExpiryInThePast> {
    let expiry = wanted.unwrap_or(now + DEFAULT_LIFETIME);
    // Token and database keep different fractions of a second; none is the same everywhere.
    let expiry = expiry - Duration::nanoseconds(i64::from(expiry.nanosecond()));
    if expiry <= now { Err(ExpiryInThePast) } else { Ok(expiry) }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_token_lives_a_day_unless_told_otherwise() {
        let now = datetime!(2030-01-01 00:00 UTC);
        assert_eq!(expiry(None, now), Ok(now + Duration::DAY));
        assert_eq!(expiry(Some(now + Duration::HOUR), now), Ok(now + Duration::HOUR));
        assert_eq!(expiry(Some(now), now), Err(ExpiryInThePast));
    }
}
