//! Sends the clusters' metrics on to Prometheus.
//!
//! A heartbeat hands over each member's exposition ([`Relay::accept`]) and does not wait for it. One thread writes
//! expositions to the journal. One parses them and gathers batches across members and clusters. One sends the batches.
//! Between the last two there is a queue for each sink.
//!
//! | module | holds |
//! |---|---|
//! | [`labels`] | the series to which a sample belongs |
//! | [`filter`] | which series are relayed, and at which interval |
//! | [`explain`](explain()) | what the relay would do with an exposition |
//! | [`remote_write`] | what is sent to a sink: protocol buffers, Snappy, batches |
//! | `intake`, `packer` | from expositions to batches |
//! | `members`, `service`, `known` | the state of each member; the series that it exposed last |
//! | `pace` | which clusters get batches of their own |
//! | `excess` | which clusters exceed their budgets |
//! | `queue`, `spool` | the queue of a sink, in memory and on disk |
//! | `journal` | expositions that are not in the spools yet, on disk |
//! | `folder` | a directory of files for one process |
//! | `threads` | the threads |
//! | `sink`, `sender`, `backoff` | delivery of a batch, whatever the sink does |
//! | [`counts`], `status` | what was lost and why; the status of each sink |
//! | [`time`] | timestamps in milliseconds |

mod backoff;
pub mod counts;
mod excess;
mod explain;
pub mod filter;
mod folder;
mod intake;
mod journal;
mod known;
pub mod labels;
mod members;
mod pace;
mod packer;
mod queue;
mod relay;
pub mod remote_write;
mod sender;
mod service;
mod sink;
mod spool;
mod status;
mod threads;
pub mod time;

pub use backoff::Backoff;
pub use excess::Budget;
pub use explain::{Explanation, Metric, Volume, explain};
pub use intake::Exposition;
pub use packer::Packing;
pub use relay::{Config, Relay, SinkConfig, SpoolConfig, StartError};
pub use sender::{Credentials, Endpoint, InvalidEndpoint};
pub use status::{SinkState, SinkStatus};
