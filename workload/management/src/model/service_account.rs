//! Programs that call the API.

use fleet::Role;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// A program that may call the API. Its token is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// What it may do.
    #[schema(schema_with = role)]
    pub role: Role,
    /// What its maker noted.
    pub description: String,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expiry: OffsetDateTime,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// Who made it.
    pub created_by: String,
    /// When it last called, to the minute; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<OffsetDateTime>,
}

/// A service account to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewServiceAccount {
    /// Its name: 1 to 255 characters, none of them a control character.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// What it may do.
    #[schema(schema_with = role)]
    pub role: Role,
    /// A note.
    #[serde(default)]
    pub description: Option<String>,
    /// Until when it works, five years at most; absent: for ninety days.
    #[serde(
        default,
        deserialize_with = "super::expiry::optional",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expiry: Option<OffsetDateTime>,
}

/// A service account that was made just now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedServiceAccount {
    /// Its name.
    pub name: String,
    /// What proves to the API who calls: `Authorization: Bearer <token>`. It is not shown again.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub token: SecretString,
    /// What it may do.
    #[schema(schema_with = role)]
    pub role: Role,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expiry: OffsetDateTime,
}

/// A secret in the one answer that hands it out.
pub(super) fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

fn role() -> utoipa::openapi::schema::Object {
    let words = Role::ALL.map(Role::as_str);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

impl From<fleet::ServiceAccount> for ServiceAccount {
    fn from(account: fleet::ServiceAccount) -> Self {
        let fleet::ServiceAccount { name, role, description, expiry, created_at, created_by, last_used_at } =
            account;
        Self { name, role, description, expiry, created_at, created_by, last_used_at }
    }
}
