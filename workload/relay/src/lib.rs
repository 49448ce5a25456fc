//! The sites' metrics on their way to Prometheus.
//!
//! A heartbeat hands a member's exposition in ([`Relay::accept`]) and hears no more of it. One thread writes it down, one
//! reads it and makes batches, across members and clusters; another sends them. Between these two, and for each sink,
//! lies a queue.
//!
//! | module | holds |
//! |---|---|
//! | [`labels`] | which series a sample belongs to |
//! | [`filter`] | which series are relayed, and how often |
//! | [`explain`](explain()) | what an exposition would become |
//! | [`remote_write`] | what a sink is told: protocol buffer, Snappy, batches |
//! | `intake`, `packer`, `members` | from expositions to batches; what is remembered of each member |
//! | `queue`, `spool` | what waits for a sink, in memory and on disk |
//! | `journal` | what was handed in and is not in the spools yet, on disk |
//! | `folder` | files that one process has for itself |
//! | `threads` | who does what of it |
//! | `lane`, `sender`, `backoff` | how a batch is seen through, whatever the sink does |
//! | [`counts`], `standing` | what was lost, and why; how each sink stands |
//! | [`time`] | milliseconds |

mod backoff;
pub mod counts;
mod explain;
pub mod filter;
mod folder;
mod intake;
mod journal;
pub mod labels;
mod lane;
mod members;
mod packer;
mod queue;
mod relay;
pub mod remote_write;
mod sender;
mod spool;
mod standing;
mod threads;
pub mod time;

pub use backoff::Backoff;
pub use explain::{Explanation, Metric, Volume, explain};
pub use intake::Exposition;
pub use packer::Packing;
pub use relay::{Config, Relay, SinkConfig, SpoolConfig, StartError};
pub use sender::{Credentials, Endpoint, InvalidEndpoint};
pub use standing::{SinkStanding, SinkState};
