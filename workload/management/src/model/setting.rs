//! A setting as people see it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A setting as people see it. A secret's value is masked before it comes here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// Its value, or a mask.
    pub value: String,
    /// What it is called.
    pub title: String,
    /// What it means.
    pub description: String,
}
