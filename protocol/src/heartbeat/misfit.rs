//! What of a report could not be stored (contract 1.2: a living cluster is never silenced by one odd value).

use std::fmt;

/// A field of a report, by its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the wire")]
pub enum Field {
    CephStatuses,
    CpuTotalCount,
    CpuLoad1,
    CpuLoad5,
    CpuLoad15,
    MemoryTotalAmount,
    MemoryUsage,
    StoragePoolUsages,
    MemberStatuses,
    InstanceStatuses,
    ServerMetrics,
    UiUrl,
    LxdUrl,
    ClusterUuid,
}

/// Why a value cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    /// A number below 0.
    Negative,
    /// A number above what the field can hold. For the counts of a list, that is their sum.
    TooLarge,
    /// A number with a fraction or an exponent.
    NotWhole,
    /// Another type of value than the field has.
    WrongType,
    /// A text above the limit of the field.
    TooLong,
    /// A text with NUL, which PostgreSQL cannot hold.
    Nul,
    /// A text that contains half a surrogate pair.
    NotUnicode,
    /// A load that is no decimal number of 0 or more.
    NotALoad,
    /// An entry above the limit of its list.
    TooMany,
    /// A second value for the same field.
    Repeated,
}

/// The values of one field that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit {
    /// The field.
    pub field: Field,
    /// Why the first of them was left out.
    pub problem: Problem,
    /// The number of values or entries that were left out, 1 or more.
    pub count: u64,
}

/// What was left out of a report: at most one entry for each field, in the order of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits(Vec<Misfit>);

impl Field {
    /// All fields.
    pub const ALL: [Self; 14] = [
        Self::CephStatuses,
        Self::CpuTotalCount,
        Self::CpuLoad1,
        Self::CpuLoad5,
        Self::CpuLoad15,
        Self::MemoryTotalAmount,
        Self::MemoryUsage,
        Self::StoragePoolUsages,
        Self::MemberStatuses,
        Self::InstanceStatuses,
        Self::ServerMetrics,
        Self::UiUrl,
        Self::LxdUrl,
        Self::ClusterUuid,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CephStatuses => "ceph_statuses",
            Self::CpuTotalCount => "cpu_total_count",
            Self::CpuLoad1 => "cpu_load_1",
            Self::CpuLoad5 => "cpu_load_5",
            Self::CpuLoad15 => "cpu_load_15",
            Self::MemoryTotalAmount => "memory_total_amount",
            Self::MemoryUsage => "memory_usage",
            Self::StoragePoolUsages => "storage_pool_usages",
            Self::MemberStatuses => "member_statuses",
            Self::InstanceStatuses => "instance_statuses",
            Self::ServerMetrics => "server_metrics",
            Self::UiUrl => "ui_url",
            Self::LxdUrl => "lxd_url",
            Self::ClusterUuid => "cluster_uuid",
        }
    }

    /// The field with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        // Quicker than a search: every key of every report comes here.
        Some(match name {
            "ceph_statuses" => Self::CephStatuses,
            "cpu_total_count" => Self::CpuTotalCount,
            "cpu_load_1" => Self::CpuLoad1,
            "cpu_load_5" => Self::CpuLoad5,
            "cpu_load_15" => Self::CpuLoad15,
            "memory_total_amount" => Self::MemoryTotalAmount,
            "memory_usage" => Self::MemoryUsage,
            "storage_pool_usages" => Self::StoragePoolUsages,
            "member_statuses" => Self::MemberStatuses,
            "instance_statuses" => Self::InstanceStatuses,
            "server_metrics" => Self::ServerMetrics,
            "ui_url" => Self::UiUrl,
            "lxd_url" => Self::LxdUrl,
            "cluster_uuid" => Self::ClusterUuid,
            _ => return None,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "negative",
            Self::TooLarge => "too large",
            Self::NotWhole => "not a whole number",
            Self::WrongType => "of the wrong type",
            Self::TooLong => "too long",
            Self::Nul => "contains NUL",
            Self::NotUnicode => "not valid Unicode",
            Self::NotALoad => "not a decimal number of 0 or more",
            Self::TooMany => "beyond the limit of the list",
            Self::Repeated => "sent twice",
        })
    }
}

/// For example `memory_usage (negative)` or `server_metrics (3 values; the first is of the wrong type)`.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, problem, count } = self;
        match (count, problem) {
            (1, _) => write!(f, "{} ({problem})", field.as_str()),
            (_, Problem::Nul) => write!(f, "{} ({count} values; the first {problem})", field.as_str()),
            _ => write!(f, "{} ({count} values; the first is {problem})", field.as_str()),
        }
    }
}

impl Misfits {
    /// Whether everything could be stored.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields concerned.
    pub fn iter(&self) -> impl Iterator<Item = &Misfit> {
        self.0.iter()
    }

    pub(super) fn add(&mut self, field: Field, problem: Problem) {
        match self.0.iter_mut().find(|misfit| misfit.field == field) {
            Some(misfit) => misfit.count += 1,
            None => self.0.push(Misfit { field, problem, count: 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_found_by_its_name() {
        for field in Field::ALL {
            assert_eq!(Field::from_name(field.as_str()), Some(field));
        }
        assert_eq!(Field::from_name("Memory_Usage"), None);
    }
}
