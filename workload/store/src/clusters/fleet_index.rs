//! The fleet in memory, for questions about all clusters, updated with what changed whenever it is used.
//!
//! A filter, a sort or a total then costs one query for changed narrow rows instead of a join, a sort and a health
//! judgement of every cluster in SQL. No query is ever served from memory alone, so units do not need to notify each
//! other.

mod refresh;
mod row;

use std::sync::Arc;
use std::time::Instant;

use fleet::{ClusterState, ServiceClock};
use tokio::sync::Mutex;

/// The index of one process.
#[derive(Default)]
pub(crate) struct FleetIndex(Mutex<Option<Cached>>);

/// The fleet at one point in time.
#[derive(Clone)]
pub(crate) struct Fleet {
    /// The clock by which to judge health.
    pub(crate) clock: ServiceClock,
    /// All clusters, sorted by id.
    pub(crate) clusters: Arc<Vec<Arc<ClusterState>>>,
}

struct Cached {
    fleet: Fleet,
    /// The oldest transaction whose rows may be missing from `fleet`.
    as_of: String,
    /// The server and database that it was read from. Transaction numbers mean nothing elsewhere.
    server: String,
    /// When all rows were last read.
    loaded_at: Instant,
    /// When the last query for changes began.
    refreshed_at: Instant,
}
