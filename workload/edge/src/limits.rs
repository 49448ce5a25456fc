//! Timeouts and the maximum number of connections, so that a slow or hostile client costs no more than a fast one.

use std::time::Duration;

/// The limits of one server. They bound every phase of a connection, so that none stays open forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest time from the accepted socket to the end of the TLS handshake, including the PROXY header.
    pub handshake: Duration,
    /// The longest time for a request's headers. On HTTP/1.1 also the longest time between two requests on a connection.
    pub headers: Duration,
    /// The longest time without a byte in either direction, for a connection or a request's body. The time in which a
    /// handler is running does not count: `request` bounds it. Websockets must send pings more often than this.
    pub idle: Duration,
    /// The longest time from the end of a request's headers to the beginning of its response, including its body.
    pub request: Duration,
    /// The most open connections, including websockets. At the limit, nothing is accepted until one ends: the kernel's
    /// queue holds a short burst, and a load balancer notices the queue and uses another unit.
    pub connections: usize,
    /// How long a drain waits for accepted connections.
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
