//! How people sign in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How people sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInSettings {
    /// The identity provider.
    pub issuer: String,
    /// This server's name there.
    pub client_id: String,
    /// The audience that access tokens must be for; null: none are taken.
    pub audience: Option<String>,
    /// What to ask the provider for.
    pub scopes: Vec<String>,
    /// What the last call to the provider showed: `reachable`, `away`, or `unknown` if there was none yet.
    pub provider: String,
}
