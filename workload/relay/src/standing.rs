//! How a sink stands, for people.

use std::time::Duration;

/// How a sink answered last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkState {
    /// Nothing was sent to it yet.
    Idle,
    /// It took what it got.
    Taking,
    /// It did not, for this reason.
    Failing(String),
}

/// How a sink stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkStanding {
    /// What it is called in counters and logs.
    pub name: String,
    /// How it answered last.
    pub state: SinkState,
    /// How long the oldest samples have waited for it.
    pub oldest: Duration,
    /// The bytes of samples that wait for it, in memory or on disk.
    pub waiting_bytes: u64,
    /// Samples that it took since this process began.
    pub sent: u64,
    /// Samples that it will not get, counted likewise.
    pub dropped: u64,
}
