//! Prometheus remote write 1.0: a protocol buffer of time series, compressed with Snappy.

mod batch;
mod protobuf;
mod snappy;

pub use batch::{Batch, BatchBuilder, Malformed, Suspects};
pub use protobuf::{NORMAL_NAN, STALE_NAN};
pub(crate) use snappy::{Compressor, decompress};

/// The content type of a request.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// The content encoding of a request.
pub const CONTENT_ENCODING: &str = "snappy";
/// The header with the protocol version, and the version.
pub const VERSION: (&str, &str) = ("x-prometheus-remote-write-version", "0.1.0");
