//! Join tokens that have not been used.

use protocol::ClusterName;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

/// The default lifetime of a token (contract 2).
pub const DEFAULT_LIFETIME: Duration = Duration::hours(24);

/// A join token that has not been used. The token itself is shown once, when it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingToken {
    /// The cluster that may join with it.
    pub cluster_name: ClusterName,
    /// Its description, which becomes the cluster's.
    pub description: String,
    /// When it expires.
    #[serde(with = "time::serde::rfc3339")]
    pub expiry: OffsetDateTime,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// The expiry is not in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the expiry is in the past")]
pub struct ExpiryInThePast;

impl PendingToken {
    /// Whether it no longer works.
    pub fn is_expired_at(&self, now: OffsetDateTime) -> bool {
        self.expiry <= now
    }
}

/// Returns the expiry of a new token in whole seconds: the wanted one, else [`DEFAULT_LIFETIME`] from now.
pub fn expiry(
    wanted: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, ExpiryInThePast> {
    let expiry = wanted.unwrap_or(now + DEFAULT_LIFETIME);
    // The token and the database keep different fractions of a second, so keep none.
    let expiry = expiry - Duration::nanoseconds(i64::from(expiry.nanosecond()));
    if expiry <= now { Err(ExpiryInThePast) } else { Ok(expiry) }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn expiry_is_a_day_by_default() {
        let now = datetime!(2030-01-01 00:00 UTC);
        assert_eq!(expiry(None, now), Ok(now + Duration::DAY));
        assert_eq!(expiry(Some(now + Duration::HOUR), now), Ok(now + Duration::HOUR));
        assert_eq!(expiry(Some(now), now), Err(ExpiryInThePast));
    }
}
