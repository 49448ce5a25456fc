//! Queries for the list of clusters: filters, order and pages.
//!
//! The same filter is parsed from a query (`health=late,lost&search=x`) and from JSON (`{"health": ["late", "lost"],
//! "search": "x"}`), so that a change of many clusters can use the filter of the list.

mod parse;
mod selection;
pub mod totals;

use serde::{Deserialize, Serialize};

use crate::{HealthState, Percent, WarningKind};

use parse::{
    fields_from, fields_words, health_words, invalid, is_status, limit_from, once, order_from, order_words,
    percent, search, sort_words, statuses, truncated, warning_words, without_repeats, word, words,
};
pub use selection::{Position, Selection, SortKey, matching, position, select};

/// A filter of clusters. A cluster must match all fields that are set, and one entry of each list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClusterFilter {
    /// A part of the name or of the description, without case and without wildcards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// The health.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<HealthState>,
    /// The kind of a warning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warning: Vec<WarningKind>,
    /// The status of a member, without case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member_status: Vec<String>,
    /// The status of an instance, without case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_status: Vec<String>,
    /// The percentage that the used share of the memory exceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_above: Option<Percent>,
    /// The percentage that the used share of the fullest storage pool exceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_above: Option<Percent>,
}

/// The key by which the list is sorted. Clusters with equal keys are sorted by the bytes of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The bytes of the name.
    Name,
    /// The bytes of the description.
    Description,
    /// The health; if equal, the severity of the worst warning.
    Health,
    /// The time of the last heartbeat; clusters without one come before all others.
    LastHeartbeat,
    /// The number of members.
    Members,
    /// The number of running instances.
    Instances,
    /// The load of the last minute per CPU; per member if the number of CPUs is unknown.
    Cpu,
    /// The used share of the memory.
    Memory,
    /// The used share of the fullest storage pool.
    Storage,
    /// The number of critical warnings; if equal, the number of all warnings.
    Warnings,
    /// The time at which the cluster joined.
    JoinedAt,
}

/// The direction in which the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Ascending: least first.
    Asc,
    /// Descending: most first, which is worst first.
    Desc,
}

/// The fields of each cluster to return.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fields {
    /// All fields.
    #[default]
    All,
    /// The fields that a list shows.
    Summary,
}

/// A query for one page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterQuery {
    /// The filter.
    pub filter: ClusterFilter,
    /// The sort key.
    pub sort: SortBy,
    /// The sort direction.
    pub order: Order,
    /// The most clusters on the page.
    pub limit: u16,
    /// The cursor that the previous page returned.
    pub cursor: Option<String>,
    /// The fields of each cluster.
    pub fields: Fields,
}

/// Why a query is invalid. The text names the parameter and its valid values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// The parameter does not exist.
    #[error("there is no parameter {name:?}; the parameters are {}", ClusterQuery::PARAMETERS.join(", "))]
    Parameter {
        /// The parameter, truncated.
        name: String,
    },
    /// The parameter is given more than once.
    #[error("{name} can be given only once")]
    Repeated {
        /// The parameter.
        name: &'static str,
    },
    /// The parameter has an invalid value.
    #[error("{name} cannot be {value:?}; it must be {allowed}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The value, truncated.
        value: String,
        /// The valid values.
        allowed: String,
    },
}

// === impl ClusterFilter ===

impl ClusterFilter {
    /// The most statuses in one list of a filter.
    pub const MAX_STATUSES: usize = 32;

    /// Validates the filter, and removes an empty search and duplicates.
    pub fn validated(mut self) -> Result<Self, InvalidQuery> {
        self.search = self.search.map(|text| search(&text)).transpose()?.filter(|text| !text.is_empty());
        without_repeats(&mut self.health, |state| *state);
        without_repeats(&mut self.warning, |kind| *kind);
        for (name, list) in
            [("member-status", &mut self.member_status), ("instance-status", &mut self.instance_status)]
        {
            without_repeats(list, |status| status.to_lowercase());
            if let Some(wrong) = list.iter().find(|status| !is_status(status)) {
                return Err(invalid(name, wrong, "statuses, separated by commas"));
            }
            if list.len() > Self::MAX_STATUSES {
                let most = format!("at most {} different statuses", Self::MAX_STATUSES);
                return Err(invalid(name, &list.join(","), most));
            }
        }
        Ok(self)
    }

    /// Applies a parameter of a query. Returns whether it is one of the filter's.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, InvalidQuery> {
        match name {
            "search" => once("search", &mut self.search, search(value)?)?,
            "health" => {
                self.health.append(&mut words("health", value, HealthState::from_word, health_words)?);
            }
            "warning" => {
                self.warning.append(&mut words("warning", value, WarningKind::from_word, warning_words)?);
            }
            "member-status" => self.member_status.append(&mut statuses("member-status", value)?),
            "instance-status" => self.instance_status.append(&mut statuses("instance-status", value)?),
            "memory-above" => once("memory-above", &mut self.memory_above, percent("memory-above", value)?)?,
            "storage-above" => {
                once("storage-above", &mut self.storage_above, percent("storage-above", value)?)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

// === impl SortBy and Order ===

impl SortBy {
    /// All sort keys.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Description,
        Self::Health,
        Self::LastHeartbeat,
        Self::Members,
        Self::Instances,
        Self::Cpu,
        Self::Memory,
        Self::Storage,
        Self::Warnings,
        Self::JoinedAt,
    ];

    /// The word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Description => "description",
            Self::Health => "health",
            Self::LastHeartbeat => "last_heartbeat",
            Self::Members => "members",
            Self::Instances => "instances",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Storage => "storage",
            Self::Warnings => "warnings",
            Self::JoinedAt => "joined_at",
        }
    }

    /// The sort key from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word)
    }

    /// The default direction: ascending for texts, descending for the rest.
    pub const fn default_order(self) -> Order {
        match self {
            Self::Name | Self::Description => Order::Asc,
            _ => Order::Desc,
        }
    }
}

impl Order {
    /// Both orders.
    pub const ALL: [Self; 2] = [Self::Asc, Self::Desc];

    /// The word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

impl Fields {
    /// Both choices.
    pub const ALL: [Self; 2] = [Self::All, Self::Summary];

    /// The word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Summary => "summary",
        }
    }
}

// === impl ClusterQuery ===

impl Default for ClusterQuery {
    fn default() -> Self {
        Self {
            filter: ClusterFilter::default(),
            sort: SortBy::Health,
            order: SortBy::Health.default_order(),
            limit: Self::DEFAULT_LIMIT,
            cursor: None,
            fields: Fields::All,
        }
    }
}

impl ClusterQuery {
    /// The default number of clusters on a page.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The most clusters on a page.
    pub const MAX_LIMIT: u16 = 500;
    /// All parameters.
    pub const PARAMETERS: [&str; 12] = [
        "limit",
        "cursor",
        "sort",
        "order",
        "search",
        "health",
        "warning",
        "member-status",
        "instance-status",
        "memory-above",
        "storage-above",
        "fields",
    ];

    /// Parses the decoded parameters of a query. `None` if there are none, which asks for the whole list (contract 2).
    pub fn parse(parameters: &[(String, String)]) -> Result<Option<Self>, InvalidQuery> {
        if parameters.is_empty() {
            return Ok(None);
        }
        let mut filter = ClusterFilter::default();
        let (mut sort, mut order, mut limit, mut cursor, mut fields) = (None, None, None, None, None);
        for (name, value) in parameters {
            match name.as_str() {
                "sort" => once("sort", &mut sort, word("sort", value, SortBy::from_word, sort_words)?)?,
                "order" => once("order", &mut order, word("order", value, order_from, order_words)?)?,
                "limit" => once("limit", &mut limit, limit_from(value)?)?,
                "cursor" => once("cursor", &mut cursor, value.clone())?,
                "fields" => once("fields", &mut fields, word("fields", value, fields_from, fields_words)?)?,
                _ if filter.take(name, value)? => {}
                _ => return Err(InvalidQuery::Parameter { name: truncated(name) }),
            }
        }
        let sort = sort.unwrap_or(SortBy::Health);
        Ok(Some(Self {
            filter: filter.validated()?,
            sort,
            order: order.unwrap_or(sort.default_order()),
            limit: limit.unwrap_or(Self::DEFAULT_LIMIT),
            cursor,
            fields: fields.unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests;
