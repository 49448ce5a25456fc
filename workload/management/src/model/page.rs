//! A page of a list, and how one is asked for.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Cluster, ClusterSummary};

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to give as `cursor` for the next page; null: there is none.
    pub next_cursor: Option<String>,
    /// How many there are on all pages together.
    pub total: u64,
}

/// What the list of clusters answers: without a parameter all of them, with `fields=summary` a page of summaries, with
/// any other parameter a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ClusterList {
    /// All clusters, sorted by the bytes of their names.
    All(Vec<Cluster>),
    /// A page.
    Page(Page<Cluster>),
    /// A page of summaries.
    Summaries(Page<ClusterSummary>),
}

/// Which clusters, in which order, which part of the list. Each that is given narrows further; without any the whole
/// list is answered.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "kebab-case")]
#[allow(dead_code, reason = "describes what fleet::query reads")]
pub(crate) struct ClusterListParameters {
    /// How many clusters a page has.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before, with all else as it was then.
    cursor: Option<String>,
    /// By what the list is sorted; clusters that are equal in it follow by name.
    #[param(inline, default = "health")]
    sort: Option<Sort>,
    /// Least or most first. Where it is not given: names and descriptions from their beginning, all else most first,
    /// which is worst first.
    #[param(inline)]
    order: Option<Direction>,
    /// Part of the name or of the description, without case. No character has a special meaning.
    search: Option<String>,
    /// How they stand, several with commas.
    #[param(explode = false, style = Form, inline)]
    health: Option<Vec<State>>,
    /// What they are warned about, several with commas.
    #[param(explode = false, style = Form, inline)]
    warning: Option<Vec<Kind>>,
    /// A status that one of their members has, without case; several with commas.
    #[param(explode = false, style = Form)]
    member_status: Option<Vec<String>>,
    /// A status that one of their instances has, without case; several with commas.
    #[param(explode = false, style = Form)]
    instance_status: Option<Vec<String>>,
    /// More than this share of their memory is used, in percent.
    #[param(minimum = 0, maximum = 100)]
    memory_above: Option<u8>,
    /// More than this share of one of their storage pools is used, in percent.
    #[param(minimum = 0, maximum = 100)]
    storage_above: Option<u8>,
    /// How much of each cluster.
    #[param(inline)]
    fields: Option<Fields>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($word:ident),*) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(rename_all = "snake_case")]
        #[allow(dead_code, reason = "describes what fleet::query reads")]
        enum $name { $($word),* }
    };
}

words!(
    /// By what the list is sorted.
    Sort: Name, Description, Health, LastHeartbeat, Members, Instances, Cpu, Memory, Storage, Warnings, JoinedAt
);
words!(
    /// Least or most first.
    Direction: Asc, Desc
);
words!(
    /// How a cluster stands.
    State: Fresh, Late, Lost
);
words!(
    /// What a warning is about.
    Kind: Heartbeat, Members, Ceph, Storage, Memory, Instances, Certificate
);
words!(
    /// How much of each cluster.
    Fields: All, Summary
);

#[cfg(test)]
mod tests {
    use fleet::query::{ClusterQuery, SortBy};
    use fleet::{HealthState, WarningKind};
    use serde_json::Value;
    use utoipa::openapi::path::ParameterIn;

    use super::*;

    #[test]
    fn what_is_described_is_what_is_read() {
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
        assert_eq!(words("sort"), SortBy::ALL.map(SortBy::as_str));
        assert_eq!(words("health"), HealthState::ALL.map(HealthState::as_str));
        assert_eq!(words("warning"), WarningKind::ALL.map(WarningKind::as_str));
        assert_eq!(words("order"), ["asc", "desc"]);
        assert_eq!(words("fields"), ["all", "summary"]);
        let lists = ["health", "warning", "member-status", "instance-status"];
        for parameter in described {
            let is_list = lists.contains(&parameter["name"].as_str().unwrap());
            assert_eq!(parameter["explode"] == Value::Bool(false), is_list, "{parameter}");
        }
    }
}
