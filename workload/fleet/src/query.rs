//! What can be asked of the fleet: which clusters, in which order, which part of the list.
//!
//! The same filter is read from a query (`health=late,lost&search=x`) and from JSON (`{"health": ["late", "lost"],
//! "search": "x"}`), so that whoever changes many clusters at once can name them as the list does.

mod parse;
mod selection;

use serde::{Deserialize, Serialize};

use crate::{HealthState, Percent, WarningKind};

use parse::{
    fields_from, fields_words, health_words, invalid, is_status, limit_from, once, order_from, order_words,
    percent, search, shortened, sort_words, statuses, warning_words, without_repeats, word, words,
};
pub use selection::{Position, Selection, SortKey, matching, select};

/// Which clusters. Every field that is set narrows further; of a list, one entry that fits is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClusterFilter {
    /// Part of the name or of the description, without case, each character as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// How they stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<HealthState>,
    /// What they are warned about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warning: Vec<WarningKind>,
    /// A status that one of their members has, without case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member_status: Vec<String>,
    /// A status that one of their instances has, without case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_status: Vec<String>,
    /// More of their memory is used than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_above: Option<Percent>,
    /// More of one of their storage pools is used than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_above: Option<Percent>,
}

/// By what the list is sorted. Clusters that are equal in it follow by the bytes of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The bytes of the name.
    Name,
    /// The bytes of the description.
    Description,
    /// Fresh, late, lost; among those, the severity of the worst warning.
    Health,
    /// The time of the last heartbeat; none yet is before all others.
    LastHeartbeat,
    /// How many members.
    Members,
    /// How many instances run.
    Instances,
    /// The load of the last minute for each CPU; for each member where the number of CPUs is not known.
    Cpu,
    /// The used share of the memory.
    Memory,
    /// The used share of the fullest storage pool: it is the one that runs full, and the one that is warned about.
    Storage,
    /// How many critical warnings; among equals, how many warnings.
    Warnings,
    /// When it joined.
    JoinedAt,
}

/// In which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Least first.
    Asc,
    /// Most first, which is worst first.
    Desc,
}

/// How much of each cluster is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fields {
    /// All there is.
    #[default]
    All,
    /// What a list shows.
    Summary,
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterQuery {
    /// Which clusters.
    pub filter: ClusterFilter,
    /// By what they are sorted.
    pub sort: SortBy,
    /// In which direction.
    pub order: Order,
    /// How many at most.
    pub limit: u16,
    /// Where the page before ended, as that page said.
    pub cursor: Option<String>,
    /// How much of each.
    pub fields: Fields,
}

/// A query that cannot be understood. Its text names the parameter and what it can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// There is no such parameter.
    #[error("there is no parameter {name:?}; there are {}", ClusterQuery::PARAMETERS.join(", "))]
    Parameter {
        /// The parameter, shortened.
        name: String,
    },
    /// It stands there more than once.
    #[error("{name} can be given only once")]
    Repeated {
        /// The parameter.
        name: &'static str,
    },
    /// It cannot have this value.
    #[error("{name} cannot be {value:?}; it can be {allowed}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The value, shortened.
        value: String,
        /// What it can be.
        allowed: String,
    },
}

// === impl ClusterFilter ===

impl ClusterFilter {
    /// How many statuses one list of a filter may name.
    pub const MAX_STATUSES: usize = 32;

    /// The filter without what says nothing: an empty search, words said twice. An error where it holds what nothing
    /// can be compared with.
    pub fn checked(mut self) -> Result<Self, InvalidQuery> {
        self.search = self.search.map(|text| search(&text)).transpose()?.filter(|text| !text.is_empty());
        without_repeats(&mut self.health, |state| *state);
        without_repeats(&mut self.warning, |kind| *kind);
        for (name, list) in
            [("member-status", &mut self.member_status), ("instance-status", &mut self.instance_status)]
        {
            without_repeats(list, |status| status.to_lowercase());
            if let Some(wrong) = list.iter().find(|status| !is_status(status)) {
                return Err(invalid(name, wrong, "statuses with commas between them"));
            }
            if list.len() > Self::MAX_STATUSES {
                let most = format!("{} different statuses at most", Self::MAX_STATUSES);
                return Err(invalid(name, &list.join(","), most));
            }
        }
        Ok(self)
    }

    /// Takes a parameter of a query, if it is one of the filter's; says whether it was.
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
    /// Everything that the list can be sorted by.
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

    /// As the query has it.
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

    /// From its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word)
    }

    /// The direction where none is asked for: texts from the beginning of the alphabet, all else most first.
    pub const fn usual_order(self) -> Order {
        match self {
            Self::Name | Self::Description => Order::Asc,
            _ => Order::Desc,
        }
    }
}

impl Order {
    /// As the query has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

// === impl ClusterQuery ===

impl Default for ClusterQuery {
    fn default() -> Self {
        Self {
            filter: ClusterFilter::default(),
            sort: SortBy::Health,
            order: SortBy::Health.usual_order(),
            limit: Self::DEFAULT_LIMIT,
            cursor: None,
            fields: Fields::All,
        }
    }
}

impl ClusterQuery {
    /// How many clusters a page has where nobody says otherwise.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// How many it has at most.
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

    /// A page from the decoded parameters of a query; `None` where there are none, which asks for the whole list as
    /// it always was.
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
                _ => return Err(InvalidQuery::Parameter { name: shortened(name) }),
            }
        }
        let sort = sort.unwrap_or(SortBy::Health);
        Ok(Some(Self {
            filter: filter.checked()?,
            sort,
            order: order.unwrap_or(sort.usual_order()),
            limit: limit.unwrap_or(Self::DEFAULT_LIMIT),
            cursor,
            fields: fields.unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests;
