//! Join tokens.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A join token that was not used yet. The token itself is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinToken {
    /// The name of the cluster that may join with it.
    pub cluster_name: String,
    /// What its maker noted; becomes the cluster's description.
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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewJoinToken {
    /// The name of the cluster that may join: 1 to 255 characters, none of them a control character.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255, required = true)]
    pub cluster_name: String,
    /// A note; becomes the cluster's description.
    #[serde(default)]
    pub description: Option<String>,
    /// Until when it works; absent, null or Go's zero time: for 24 hours.
    #[serde(
        default,
        deserialize_with = "super::expiry::optional",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expiry: Option<OffsetDateTime>,
}

/// A join token that was made just now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedJoinToken {
    /// The token, to be handed to the cluster's administrator. It is not shown again.
    #[serde(serialize_with = "super::service_account::expose")]
    #[schema(value_type = String)]
    pub token: SecretString,
}

impl From<fleet::PendingToken> for JoinToken {
    fn from(token: fleet::PendingToken) -> Self {
        let fleet::PendingToken { cluster_name, description, expiry, created_at } = token;
        Self { cluster_name: cluster_name.into(), description, expiry, created_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_may_be_missing_in_every_way_that_clients_know() {
        for expiry in ["", r#","expiry":null"#, r#","expiry":"0001-01-01T00:00:00Z""#] {
            let body = format!(r#"{{"cluster_name":"a"{expiry}}}"#);
            assert_eq!(serde_json::from_str::<NewJoinToken>(&body).unwrap().expiry, None, "{body}");
        }
        let body = r#"{"cluster_name":"a","expiry":"2030-01-01T02:00:00+02:00"}"#;
        let expiry = serde_json::from_str::<NewJoinToken>(body).unwrap().expiry;
        assert_eq!(expiry, Some(time::macros::datetime!(2030-01-01 00:00 UTC)));
        assert!(serde_json::from_str::<NewJoinToken>(r#"{"cluster_name":"a","expiry":"soon"}"#).is_err());
    }
}
