//! How long and how many: what keeps a slow or hostile client from costing more than a fast one.

use std::time::Duration;

/// The limits of one server. They bound every phase of a connection, so that none is held for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the accepted socket to the end of the TLS handshake, the PROXY header included.
    pub handshake: Duration,
    /// For a request's head; on HTTP/1.1 also how long a kept-alive connection may wait for its next request.
    pub headers: Duration,
    /// How long a connection, or a request's body, may go without a byte either way. A handler at work does not
    /// count: `request` bounds it. Websockets must ping more often than this.
    pub idle: Duration,
    /// From a request's head to its answer's, its body included.
    pub request: Duration,
    /// How many connections at once, websockets included. Beyond it nothing is accepted until one ends: the
    /// kernel's queue holds a short burst, and a load balancer sees the queue and turns to another unit.
    pub connections: usize,
    /// How long a drain waits for what was accepted.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            request: Duration::from_mins(1),
            connections: 16_384,
            drain: Duration::from_secs(30),
        }
    }
}
