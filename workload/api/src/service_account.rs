//! Service accounts: programs that call the API.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::word::Role;

/// A service account. Its token is shown only when it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAccount {
    /// The name.
    pub name: String,
    /// What the program may do.
    pub role: Role,
    /// The description.
    pub description: String,
    /// When the token expires.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expiry: OffsetDateTime,
    /// When the account was created.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// Who created the account.
    pub created_by: String,
    /// When the token was last used, to the minute; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<OffsetDateTime>,
}

/// A service account to create.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewServiceAccount {
    /// The name: 1 to 255 characters without control characters and invisible ones, and without blanks at its ends.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// What the program may do.
    #[schema(value_type = Role)]
    pub role: fleet::Role,
    /// A description.
    #[serde(default)]
    pub description: Option<String>,
    /// When the token expires, in five years at most. By default it expires in ninety days.
    #[serde(
        default,
        deserialize_with = "crate::expiry::optional",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expiry: Option<OffsetDateTime>,
}

/// A service account that has just been created.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedServiceAccount {
    /// The name.
    pub name: String,
    /// The token, for the header `Authorization: Bearer <token>`. It is not shown again.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub token: SecretString,
    /// What the program may do.
    pub role: Role,
    /// When the token expires.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expiry: OffsetDateTime,
}

/// Writes a secret into the only response that contains it.
pub(crate) fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl From<fleet::ServiceAccount> for ServiceAccount {
    fn from(account: fleet::ServiceAccount) -> Self {
        let fleet::ServiceAccount { name, role, description, expiry, created_at, created_by, last_used_at } =
            account;
        Self { name, role: role.into(), description, expiry, created_at, created_by, last_used_at }
    }
}
