//! A change of a cluster's configuration.

use crate::Percent;

/// A change of a cluster's configuration. Fields that are `None` stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterChange {
    /// The new description.
    pub description: Option<String>,
    /// The new threshold for storage pools.
    pub disk_threshold: Option<Percent>,
    /// The new threshold for memory.
    pub memory_threshold: Option<Percent>,
}

impl ClusterChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
