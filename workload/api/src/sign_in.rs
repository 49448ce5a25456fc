//! How people sign in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::word::ProviderState;

/// How people sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInSettings {
    /// The issuer URL of the identity provider.
    pub issuer: String,
    /// The hub's client id at the identity provider.
    pub client_id: String,
    /// The audience that access tokens must have. If it is null, the hub accepts no access tokens.
    pub audience: Option<String>,
    /// The scopes to request from the identity provider.
    pub scopes: Vec<String>,
    /// The outcome of the last call to the identity provider.
    pub provider: ProviderState,
}
