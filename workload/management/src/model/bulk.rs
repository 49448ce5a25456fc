//! One request about many clusters.

use fleet::query::ClusterFilter;
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

/// One request about many clusters, which are chosen by name or as the list chooses them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// What is to be done.
    pub action: BulkAction,
    /// Which clusters, by their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Which clusters, as the list's parameters say it. Instead of names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ListFilter>)]
    pub filter: Option<ClusterFilter>,
    /// What is to be changed, for `configure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ClusterChange>,
    /// Whether the answer leaves out those for which it was done: of ten thousand it would be long.
    #[serde(default)]
    pub only_failures: bool,
}

/// The list's filter as JSON. Every field that is there narrows further; of a list, one entry that fits is enough.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes fleet::query::ClusterFilter, which knows nothing of OpenAPI")]
pub(crate) struct ListFilter {
    /// Part of the name or of the description, without case.
    #[schema(required = false)]
    search: String,
    /// `fresh`, `late`, `lost`.
    #[schema(required = false, inline)]
    health: Vec<HealthWord>,
    /// Kinds of warnings.
    #[schema(required = false, inline)]
    warning: Vec<WarningWord>,
    /// A status that one of their members has, without case.
    #[schema(required = false)]
    member_status: Vec<String>,
    /// A status that one of their instances has, without case.
    #[schema(required = false)]
    instance_status: Vec<String>,
    /// More of their memory is used than this, in percent.
    #[schema(required = false, minimum = 0, maximum = 100)]
    memory_above: u8,
    /// More of one of their storage pools is used than this, in percent.
    #[schema(required = false, minimum = 0, maximum = 100)]
    storage_above: u8,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes fleet::HealthState")]
enum HealthWord {
    Fresh,
    Late,
    Lost,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes fleet::WarningKind")]
enum WarningWord {
    Heartbeat,
    Members,
    Ceph,
    Storage,
    Memory,
    Instances,
    Certificate,
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
