//! Bulk requests: one request for many clusters.

use fleet::query::ClusterFilter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::change::ClusterChange;
use crate::word::{HealthState, WarningKind};

/// What a bulk request does to each cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// Change descriptions and thresholds.
    Configure,
    /// Remove the clusters.
    Remove,
}

/// One request for many clusters, selected either by name or by a filter.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// What to do.
    pub action: BulkAction,
    /// The names of the clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// A filter as in the list of clusters, instead of names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ListFilter>)]
    pub filter: Option<ClusterFilter>,
    /// The change, for `configure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ClusterChange>,
    /// Whether the response leaves out the clusters for which the action succeeded. For ten thousand clusters it would
    /// be long.
    #[serde(default)]
    pub only_failures: bool,
}

/// A filter of the list of clusters as JSON. A cluster must match every field that is present; of a list, one entry is
/// enough.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes fleet::query::ClusterFilter, which does not know OpenAPI")]
pub(crate) struct ListFilter {
    /// Part of the name or the description. Case is ignored.
    #[schema(required = false)]
    search: String,
    /// Health states.
    #[schema(required = false)]
    health: Vec<HealthState>,
    /// Kinds of warnings.
    #[schema(required = false)]
    warning: Vec<WarningKind>,
    /// Statuses of members, ignoring case.
    #[schema(required = false)]
    member_status: Vec<String>,
    /// Statuses of instances, ignoring case.
    #[schema(required = false)]
    instance_status: Vec<String>,
    /// Clusters that use more than this percentage of their memory.
    #[schema(required = false, minimum = 0, maximum = 100)]
    memory_above: u8,
    /// Clusters with a storage pool that uses more than this percentage of its space.
    #[schema(required = false, minimum = 0, maximum = 100)]
    storage_above: u8,
}

/// The result of a bulk request for one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// The cluster's name.
    pub name: String,
    /// The HTTP status that a request for this cluster alone would have had, such as 200 or 404.
    pub status_code: u16,
    /// Why it failed; empty on success.
    pub error: String,
}
