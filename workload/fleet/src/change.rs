//! What people may change of a cluster. Absent means unchanged.

use crate::Percent;

/// A change of a cluster's configuration: what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterChange {
    /// What people note about it.
    pub description: Option<String>,
    /// The threshold of storage pools.
    pub disk_threshold: Option<Percent>,
    /// The threshold of memory.
    pub memory_threshold: Option<Percent>,
}

impl ClusterChange {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
