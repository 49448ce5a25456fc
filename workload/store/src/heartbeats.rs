//! Heartbeats, and the health that follows from them.
//!
//! | module | holds |
//! |---|---|
//! | `new_heartbeat` | a heartbeat to be stored |
//! | `batch` | the statement that stores a batch of heartbeats |
//! | `writer` | the task that gathers heartbeats into batches |
//! | `presence` | the service clock: when any unit was accepting heartbeats |
//! | `liveness` | a cluster's liveness, from a row |
//! | `transitions` | changes of health, recorded by one unit at a time |

mod batch;
pub(crate) mod liveness;
mod new_heartbeat;
pub(crate) mod presence;
mod transitions;
mod writer;

pub use new_heartbeat::NewHeartbeat;
pub use presence::{MARK_INTERVAL, Presence};
pub use transitions::Transition;
pub use writer::{BatchCounts, HeartbeatWriter, WriteError};
