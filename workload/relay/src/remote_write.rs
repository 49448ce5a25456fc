//! Prometheus remote write 1.0: a protocol buffer of time series, compressed with Snappy.

mod batch;
mod protobuf;
mod snappy;

pub use batch::{Batch, BatchBuilder, Malformed, Marked, Seen, Suspects};
pub use protobuf::{NORMAL_NAN, STALE_NAN};

/// What the body of a request is.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// How it is compressed.
pub const CONTENT_ENCODING: &str = "snappy";
/// The header that names the version, and the version.
pub const VERSION: (&str, &str) = ("x-prometheus-remote-write-version", "0.1.0");
