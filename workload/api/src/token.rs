//! Join tokens.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// An unused join token. Its secret is shown only when it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinToken {
    /// The name of the cluster that may join with the token.
    pub cluster_name: String,
    /// The description that the cluster will have, without invisible characters, and without blanks at its ends.
    pub description: String,
    /// When the token expires.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expiry: OffsetDateTime,
    /// When the token was created.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

/// A join token to create.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewJoinToken {
    /// The name of the cluster that may join: 1 to 255 characters without control characters and invisible ones, and
    /// without blanks at its ends.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255, required = true)]
    pub cluster_name: String,
    /// The description that the cluster will have.
    #[serde(default)]
    pub description: Option<String>,
    /// When the token expires. If it is absent, null or Go's zero time, the token expires in 24 hours.
    #[serde(
        default,
        deserialize_with = "crate::expiry::optional",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expiry: Option<OffsetDateTime>,
}

/// A join token that has just been created.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedJoinToken {
    /// The token, for the administrator of the cluster. It is not shown again.
    #[serde(serialize_with = "crate::service_account::expose")]
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
    fn expiry_may_be_absent_null_or_gos_zero_time() {
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
