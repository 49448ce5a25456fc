//! The servers' own metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The metrics of all servers in a process, labelled with the server's name. Clones share the same values.
#[derive(Debug, Clone)]
pub struct EdgeMetrics {
    accepted: Family<ServerLabel, Counter>,
    handshakes: Family<HandshakeLabels, Counter>,
    open: Family<ServerLabel, Gauge>,
    requests: Family<RequestLabels, Counter>,
    duration: Family<ServerLabel, Histogram, fn() -> Histogram>,
    refusals: Family<RefusalLabels, Counter>,
    closed: Family<RefusalLabels, Counter>,
    unread: Family<ServerLabel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabel {
    server: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    server: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    server: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    server: &'static str,
    reason: &'static str,
}

impl Default for EdgeMetrics {
    fn default() -> Self {
        Self {
            accepted: Family::default(),
            handshakes: Family::default(),
            open: Family::default(),
            requests: Family::default(),
            duration: Family::new_with_constructor(durations),
            refusals: Family::default(),
            closed: Family::default(),
            unread: Family::default(),
        }
    }
}

/// A heartbeat takes about a millisecond, a request through a tunnel up to thirty seconds.
fn durations() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl EdgeMetrics {
    /// Adds the metrics to a registry, which may have a prefix.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("connections_accepted", "Accepted connections", self.accepted.clone());
        registry.register(
            "handshakes",
            "TLS handshakes, by outcome: ok, timeout, failed, proxy_refused",
            self.handshakes.clone(),
        );
        registry.register("connections_open", "Open connections, including websockets", self.open.clone());
        registry.register("requests", "Handled requests, by status class", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from the end of a request's headers to its response",
            self.duration.clone(),
        );
        registry.register(
            "refusals",
            "Requests that were refused or failed, by reason",
            self.refusals.clone(),
        );
        registry.register(
            "closed_by_limit",
            "Connections and HTTP/2 streams that were closed because of a limit, by reason: network and reserved (refused), evicted, \
             stalled (the client did not read), unread (too many bytes not read), old",
            self.closed.clone(),
        );
        registry.register_with_unit(
            "unread_response",
            "Memory of responses that clients have not read yet",
            Unit::Bytes,
            self.unread.clone(),
        );
    }

    /// The metrics of one server, looked up once, so that counting is an atomic addition.
    pub(crate) fn of(&self, server: &'static str) -> ServerMetrics {
        let handshake = |outcome| self.handshakes.get_or_create_owned(&HandshakeLabels { server, outcome });
        let code = |code| self.requests.get_or_create_owned(&RequestLabels { server, code });
        let closed = |reason| self.closed.get_or_create_owned(&RefusalLabels { server, reason });
        ServerMetrics {
            closed: ClosedConnections {
                network: closed("network"),
                reserved: closed("reserved"),
                evicted: closed("evicted"),
                stalled: closed("stalled"),
                unread: closed("unread"),
                old: closed("old"),
            },
            unread: self.unread.get_or_create_owned(&ServerLabel { server }),
            accepted: self.accepted.get_or_create_owned(&ServerLabel { server }),
            open: self.open.get_or_create_owned(&ServerLabel { server }),
            ok: handshake("ok"),
            timeout: handshake("timeout"),
            failed: handshake("failed"),
            proxy_refused: handshake("proxy_refused"),
            codes: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(code),
            duration: self.duration.get_or_create_owned(&ServerLabel { server }),
            refusals: self.refusals.clone(),
            server,
        }
    }
}

/// One server's metrics.
pub(crate) struct ServerMetrics {
    pub(crate) accepted: Counter,
    pub(crate) open: Gauge,
    pub(crate) ok: Counter,
    pub(crate) timeout: Counter,
    pub(crate) failed: Counter,
    pub(crate) proxy_refused: Counter,
    pub(crate) closed: ClosedConnections,
    pub(crate) unread: Gauge,
    codes: [Counter; 5],
    duration: Histogram,
    refusals: Family<RefusalLabels, Counter>,
    server: &'static str,
}

/// Connections that were closed because of a limit.
pub(crate) struct ClosedConnections {
    /// The network has too many that are not authenticated.
    pub(crate) network: Counter,
    /// The last places are kept for known networks.
    pub(crate) reserved: Counter,
    /// Another one of its network needed the place.
    pub(crate) evicted: Counter,
    /// The client did not read.
    pub(crate) stalled: Counter,
    /// The client left too many bytes unread.
    pub(crate) unread: Counter,
    /// It reached the maximum age.
    pub(crate) old: Counter,
}

impl ServerMetrics {
    pub(crate) fn responded(&self, status: http::StatusCode, seconds: f64) {
        if let Some(class) = self.codes.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            class.inc();
        }
        self.duration.observe(seconds);
        if let Some(reason) = reason(status) {
            self.refusals.get_or_create(&RefusalLabels { server: self.server, reason }).inc();
        }
    }
}

/// Why a request was refused or failed.
const fn reason(status: http::StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        0..=399 => return None,
        400 => "bad_request",
        401 => "not_signed_in",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "too_large",
        429 => "rate_limited",
        503 => "unavailable",
        500..=599 => "failed",
        _ => "other",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_counts_under_its_name() {
        let (metrics, mut registry) = (EdgeMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        let connector = metrics.of("connector");
        connector.accepted.inc();
        connector.responded(http::StatusCode::NOT_FOUND, 0.002);

        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            r#"connections_accepted_total{server="connector"} 1"#,
            r#"requests_total{server="connector",code="4xx"} 1"#,
            r#"requests_total{server="connector",code="2xx"} 0"#,
            r#"request_duration_seconds_bucket{le="0.0025",server="connector"} 1"#,
            r#"refusals_total{server="connector",reason="not_found"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
