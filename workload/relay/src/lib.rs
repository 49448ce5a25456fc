//! The sites' metrics on their way to Prometheus.
//!
//! | module | holds |
//! |---|---|
//! | [`exposition`] | what a member said: the Prometheus text format and OpenMetrics |
//! | [`labels`] | which series a sample belongs to |
//! | [`filter`] | which series are relayed, and how often |
//! | [`explain`](explain()) | what an exposition would become |
//! | [`remote_write`] | what a sink is told: protocol buffer, Snappy, batches |
//! | [`time`] | milliseconds |

mod explain;
pub mod exposition;
pub mod filter;
pub mod labels;
pub mod remote_write;
pub mod time;

pub use explain::{Explanation, Metric, Volume, explain};
