//! Settings of the hub.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A setting of the hub. Secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// The value, or a mask if it is secret.
    pub value: String,
    /// The name.
    pub title: String,
    /// The meaning.
    pub description: String,
}
