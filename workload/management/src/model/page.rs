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
#[into_params(parameter_in = Query)]
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
