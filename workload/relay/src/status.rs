//! The status of a sink, for operators.

use std::time::Duration;

/// The outcome of the last request to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkState {
    /// No request was sent yet.
    Idle,
    /// The sink accepts samples.
    Taking,
    /// The sink fails, for this reason.
    Failing(String),
}

/// The status of a sink.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkStatus {
    /// The sink's name in metrics and logs.
    pub name: String,
    /// The outcome of the last request.
    pub state: SinkState,
    /// The age of the oldest samples that wait for the sink.
    pub oldest: Duration,
    /// The bytes of samples that wait for the sink, in memory or on disk.
    pub waiting_bytes: u64,
    /// Samples that the sink accepted since this process started.
    pub sent: u64,
    /// Samples that were dropped since this process started.
    pub dropped: u64,
}
