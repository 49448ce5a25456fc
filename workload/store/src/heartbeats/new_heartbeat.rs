//! A heartbeat to be stored.

use fleet::ClusterId;
use fleet::warning::Finding;
use protocol::heartbeat::Details;

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
