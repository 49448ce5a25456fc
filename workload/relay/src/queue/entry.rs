//! A batch in a queue.

use bytes::Bytes;
use protocol::ClusterName;

use crate::spool::Location;
use crate::time::UnixMillis;

/// A batch, in memory or on disk or both.
pub(super) struct Entry {
    pub(super) number: u64,
    /// The only cluster with series in the batch. `None` if the batch is shared.
    pub(super) owner: Option<ClusterName>,
    pub(super) size: usize,
    pub(super) samples: u32,
    pub(super) newest: UnixMillis,
    pub(super) body: Option<Bytes>,
    pub(super) location: Option<Location>,
    pub(super) is_resharded: bool,
}
