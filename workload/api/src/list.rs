//! The list of clusters: pages, and the parameters that select them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::cluster::Cluster;
use crate::summary::ClusterSummary;
use crate::word::{HealthState, ListFields, SortBy, SortOrder, WarningKind};

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The `cursor` of the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// The number of items on all pages.
    pub total: u64,
}

/// The list of clusters. Without parameters it is the whole list, with `fields=summary` a page of summaries, with any
/// other parameters a page of clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ClusterList {
    /// All clusters, sorted by name (by bytes).
    All(Vec<Cluster>),
    /// A page of clusters.
    Page(Page<Cluster>),
    /// A page of summaries.
    Summaries(Page<ClusterSummary>),
}

/// Filter, order and page of the list of clusters. A cluster must match every filter. Without any parameter the whole
/// list is returned.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "kebab-case")]
#[allow(dead_code, reason = "describes what fleet::query reads")]
pub struct ClusterListParameters {
    /// The number of clusters on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the previous page. Repeat all other parameters unchanged.
    cursor: Option<String>,
    /// What to sort by. Ties are sorted by name.
    #[param(inline, default = "health")]
    sort: Option<SortBy>,
    /// The sort order. By default names and descriptions are ascending and everything else descending, with the worst
    /// first.
    #[param(inline)]
    order: Option<SortOrder>,
    /// Part of the name or the description. Case is ignored. There are no wildcards.
    search: Option<String>,
    /// One or more health states, separated by commas.
    #[param(explode = false, style = Form, inline)]
    health: Option<Vec<HealthState>>,
    /// One or more kinds of warnings, separated by commas.
    #[param(explode = false, style = Form, inline)]
    warning: Option<Vec<WarningKind>>,
    /// One or more statuses of members, separated by commas, ignoring case. A cluster matches if any member has one of
    /// them.
    #[param(explode = false, style = Form)]
    member_status: Option<Vec<String>>,
    /// One or more statuses of instances, separated by commas, ignoring case. A cluster matches if any instance has one
    /// of them.
    #[param(explode = false, style = Form)]
    instance_status: Option<Vec<String>>,
    /// Clusters that use more than this percentage of their memory.
    #[param(minimum = 0, maximum = 100)]
    memory_above: Option<u8>,
    /// Clusters with a storage pool that uses more than this percentage of its space.
    #[param(minimum = 0, maximum = 100)]
    storage_above: Option<u8>,
    /// How much of each cluster is returned.
    #[param(inline)]
    fields: Option<ListFields>,
}

#[cfg(test)]
mod tests {
    use fleet::query::ClusterQuery;
    use serde_json::Value;
    use utoipa::openapi::path::ParameterIn;

    use super::*;

    #[test]
    fn described_parameters_are_those_that_are_read() {
        let described = ClusterListParameters::into_params(|| Some(ParameterIn::Query));
        let described = serde_json::to_value(described).unwrap();
        let described = described.as_array().unwrap();
        let names: Vec<&str> =
            described.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(names, ClusterQuery::PARAMETERS);
        let words = |name: &str| -> Vec<String> {
            let parameter = described.iter().find(|parameter| parameter["name"] == name).unwrap();
            let text = parameter["schema"].to_string();
            let list = text.split_once("\"enum\":").unwrap().1;
            let list: Vec<Value> =
                serde_json::Deserializer::from_str(list).into_iter().next().unwrap().unwrap();
            list.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(words("sort"), fleet::query::SortBy::ALL.map(fleet::query::SortBy::as_str));
        assert_eq!(words("health"), fleet::HealthState::ALL.map(fleet::HealthState::as_str));
        assert_eq!(words("warning"), fleet::WarningKind::ALL.map(fleet::WarningKind::as_str));
        assert_eq!(words("order"), ["asc", "desc"]);
        assert_eq!(words("fields"), ["all", "summary"]);
        let lists = ["health", "warning", "member-status", "instance-status"];
        for parameter in described {
            let is_list = lists.contains(&parameter["name"].as_str().unwrap());
            assert_eq!(parameter["explode"] == Value::Bool(false), is_list, "{parameter}");
        }
    }
}
