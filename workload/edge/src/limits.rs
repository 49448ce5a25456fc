//! Timeouts, and the most connections and bytes, so that a slow or hostile client costs no more than a fast one.

use std::time::Duration;

use crate::caps::{PlacesLimits, UnreadLimits};

/// The limits of one server. They bound every phase of a connection, so that none stays open forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest time from the accepted socket to the end of the TLS handshake, including the PROXY header.
    pub handshake: Duration,
    /// The longest time for a request's headers. On HTTP/1.1 also the longest time between two requests on a connection.
    pub headers: Duration,
    /// The longest time without a byte in either direction, for a connection or a request's body. The time in which a
    /// handler is running does not count: `request` bounds it. Websockets must send pings more often than this. On HTTP/2
    /// also the longest time in which the client reads nothing of a response, and without any stream: pings do not count.
    pub idle: Duration,
    /// The longest time from the end of a request's headers to the beginning of its response, including its body.
    pub request: Duration,
    /// The most open connections, including websockets. At the limit, nothing is accepted until one ends: the kernel's
    /// queue holds a short burst, and a load balancer notices the queue and uses another unit.
    pub connections: usize,
    /// The most connections of one network (/24, /56) that are in the handshake or not authenticated. Every client that
    /// was authenticated from the network in the last 15 minutes adds two. At the limit, the oldest idle one gives way;
    /// if all have just come, the newcomer is closed at once.
    pub connections_per_network: usize,
    /// The most connections of one authenticated client.
    pub connections_per_client: usize,
    /// The most streams that a client may open at once on an HTTP/2 connection.
    pub streams: u32,
    /// The most bytes of responses that a connection leaves unread. A single response may be larger.
    pub unread_per_connection: usize,
    /// The same for all connections of a client, or of a network if they are not authenticated.
    pub unread_per_client: usize,
    /// The age at which a connection begins to close, within a tenth. Websockets and streams of events are exempt.
    pub max_age: Duration,
    /// The longest headers of a request, in bytes.
    pub headers_bytes: u16,
    /// How long a drain waits for accepted connections.
    pub drain: Duration,
}

impl Limits {
    pub(crate) fn places(&self) -> PlacesLimits {
        PlacesLimits {
            all: self.connections,
            network: self.connections_per_network,
            client: self.connections_per_client,
            unread: UnreadLimits { connection: self.unread_per_connection, group: self.unread_per_client },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            request: Duration::from_mins(1),
            connections: 16_384,
            connections_per_network: 512,
            connections_per_client: 128,
            streams: 64,
            unread_per_connection: 4 << 20,
            unread_per_client: 16 << 20,
            max_age: Duration::from_mins(30),
            headers_bytes: u16::MAX,
            drain: Duration::from_secs(30),
        }
    }
}
