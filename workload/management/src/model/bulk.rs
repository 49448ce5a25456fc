//! One request about many clusters.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ClusterChange;

/// What is to be done to many clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// Change descriptions and thresholds.
    Configure,
    /// Remove them.
    Remove,
}

/// One request about many clusters, which are chosen by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// What is to be done.
    pub action: BulkAction,
    /// Which clusters, by their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// What is to be changed, for `configure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ClusterChange>,
}

/// What came of it for one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// Which.
    pub name: String,
    /// As an HTTP status: 200 done, 404 no such cluster.
    pub status_code: u16,
    /// What went wrong, in words; empty when done.
    pub error: String,
}
