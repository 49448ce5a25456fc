//! The sites' metrics on their way to Prometheus.
//!
//! | module | holds |
//! |---|---|
//! | [`exposition`] | what a member said: the Prometheus text format and OpenMetrics |
//! | [`labels`] | which series a sample belongs to |
//! | [`remote_write`] | what a sink is told: protocol buffer, Snappy, batches |
//! | [`time`] | milliseconds |

pub mod exposition;
pub mod labels;
pub mod remote_write;
pub mod time;
