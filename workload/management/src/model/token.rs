//! Join tokens.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A join token that waits to be used. The token itself is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinToken {
    /// The cluster that may join with it.
    pub cluster_name: String,
    /// A note; becomes the cluster's description.
    pub description: String,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expiry: OffsetDateTime,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

/// A join token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewJoinToken {
    /// The cluster that may join with it: 1 to 255 characters, no control characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255, required)]
    pub cluster_name: String,
    /// A note; becomes the cluster's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Until when it works; absent, null or year 1: for 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expiry: Option<OffsetDateTime>,
}

/// A join token that was made, shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedJoinToken {
    /// The token.
    pub token: String,
}

impl From<fleet::PendingToken> for JoinToken {
    fn from(token: fleet::PendingToken) -> Self {
        let fleet::PendingToken { cluster_name, description, expiry, created_at } = token;
        Self { cluster_name: cluster_name.to_string(), description, expiry, created_at }
    }
}
