//! A heartbeat to be stored.

use fleet::ClusterId;
use fleet::warning::Finding;
use protocol::heartbeat::{Details, StatusCount, StoragePoolUsage};

/// What an entry of a list, a warning or a row takes apart from its texts, in bytes.
const ENTRY_BYTES: usize = 96;

/// A heartbeat to be stored.
#[derive(Debug, Clone)]
pub struct NewHeartbeat {
    /// The cluster that sent it.
    pub cluster: ClusterId,
    /// Its report.
    pub details: Details,
    /// The warnings that follow from the report.
    pub findings: Vec<Finding>,
}

impl NewHeartbeat {
    /// Roughly what it takes in memory and in a statement, in bytes.
    pub(crate) fn size(&self) -> usize {
        let Details { ceph_statuses, member_statuses, instance_statuses, storage_pool_usages, .. } =
            &self.details;
        let status = |entry: &StatusCount| ENTRY_BYTES + entry.status.len();
        let statuses = ceph_statuses.iter().chain(member_statuses).chain(instance_statuses).map(status);
        let pool = |pool: &StoragePoolUsage| ENTRY_BYTES + pool.name.len() + pool.member.len();
        let finding = |finding: &Finding| ENTRY_BYTES + finding.subject.len() + finding.text.len();
        ENTRY_BYTES
            + self.details.ui_url.len()
            + statuses.sum::<usize>()
            + storage_pool_usages.iter().map(pool).sum::<usize>()
            + self.findings.iter().map(finding).sum::<usize>()
    }
}
