//! One connection, from the accepted socket to its end: PROXY header, TLS, then HTTP/1.1 or HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{error::Elapsed, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::activity::Activity;
use crate::caps::{Occupied, Place, Refused, StreamEnd, watch_stream};
use crate::ending::{self, after_grace};
use crate::memory::Shortage;
use crate::metrics::ServerMetrics;
use crate::peer::ClientCertificate;
use crate::service::{self, Exchange};
use crate::shared::Shared;
use crate::stream::GuardedStream;
use crate::{Peer, SharedConnection, proxy};

/// Up to this size, in bytes, a request or a response waits in memory of hyper. The smallest is 8 KiB.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// What a client may send ahead on HTTP/2, in bytes, while no handler reads it. Ordinary bodies fit.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// Counts a connection as long as its socket lives. A websocket outlives the task that accepted it.
pub(crate) struct Guard {
    open: Gauge,
    place: Option<Occupied>,
    _permit: OwnedSemaphorePermit,
    _tracked: TaskTrackerToken,
}

type Stream = TlsStream<GuardedStream<Guard>>;

impl Guard {
    pub(crate) fn new(shared: &Shared, permit: OwnedSemaphorePermit) -> Self {
        let open = shared.metrics.open.clone();
        open.inc();
        Self { open, place: None, _permit: permit, _tracked: shared.tracker.token() }
    }
}

/// A new connection whose client has a place, or is behind a balancer that has yet to name its address.
pub(crate) struct Accepted {
    pub(crate) socket: TcpStream,
    pub(crate) address: SocketAddr,
    pub(crate) guard: Guard,
    pub(crate) activity: Arc<Activity>,
}

impl Accepted {
    /// A connection, unless its client has too many. A refused one is closed at once, before TLS.
    pub(crate) fn new(
        shared: &Shared,
        permit: OwnedSemaphorePermit,
        socket: TcpStream,
        address: SocketAddr,
    ) -> Option<Self> {
        let (mut guard, activity) = (Guard::new(shared, permit), Arc::default());
        if !shared.proxy.trusts(address.ip()) {
            guard.place = Some(enter(shared, address, &activity)?);
        }
        Some(Self { socket, address, guard, activity })
    }
}

fn enter(shared: &Shared, address: SocketAddr, activity: &Arc<Activity>) -> Option<Occupied> {
    let is_memory_short = shared.memory.shortage() == Shortage::NearlyExhausted;
    let closed = &shared.metrics.closed;
    match shared.places.enter(address.ip(), activity, is_memory_short) {
        Ok((place, gave_way)) => {
            if gave_way {
                closed.evicted.inc();
            }
            return Some(place);
        }
        Err(Refused::Network) => closed.network.inc(),
        Err(Refused::Reserved) => closed.reserved.inc(),
    };
    if let Some(connections) = shared.refused.happened() {
        let (server, address) = (shared.name, address.ip());
        tracing::warn!(server, connections, %address, "refused connections of networks with too many of them");
    }
    None
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.open.dec();
    }
}

enum HandshakeError {
    Proxy(io::Error),
    Tls(io::Error),
    Refused,
}

/// A connection after its handshake.
struct Established {
    stream: Stream,
    address: SocketAddr,
    place: Arc<Place>,
}

/// Serves one connection to its end.
pub(crate) async fn run(shared: Arc<Shared>, accepted: Accepted) {
    let (address, activity) = (accepted.address, Arc::clone(&accepted.activity));
    // A connection can have to give way already in its handshake.
    let cut = accepted.guard.place.as_ref().map_or_else(CancellationToken::new, |place| place.0.cut.clone());
    let handshake = timeout(shared.limits.handshake, handshake(&shared, accepted));
    let finished = tokio::select! {
        finished = handshake => finished,
        () = after_grace(&shared.draining) => return,
        () = cut.cancelled() => return,
    };
    let Some(Established { stream, address, place }) = count(&shared.metrics, finished, address) else {
        return;
    };

    let tls = stream.get_ref().1;
    let certificate = ClientCertificate::of_chain(tls.peer_certificates());
    let peer = Peer::new(address, certificate).with_place(Arc::clone(&place));
    let is_http2 = tls.alpn_protocol() == Some(b"h2");
    let sharing = is_http2.then(|| SharedConnection { server_name: tls.server_name().map(Arc::from) });
    let exchange = Arc::new(Exchange { shared, peer, activity, place: Arc::clone(&place), sharing });
    let served = async {
        if is_http2 { serve_http2(stream, exchange).await } else { serve_http1(stream, exchange).await }
    };
    if let Some(Err(problem)) = place.cut.run_until_cancelled(served).await {
        tracing::debug!(%problem, %address, "a connection failed");
    }
}

async fn handshake(shared: &Shared, accepted: Accepted) -> Result<Established, HandshakeError> {
    let Accepted { mut socket, address, mut guard, activity } = accepted;
    let address =
        proxy::client_address(&mut socket, address, &shared.proxy).await.map_err(HandshakeError::Proxy)?;
    let place = match guard.place.take() {
        Some(place) => place,
        None => enter(shared, address, &activity).ok_or(HandshakeError::Refused)?,
    };
    let taken = Arc::clone(&place.0);
    guard.place = Some(place);
    let stream = GuardedStream::new(socket, shared.limits.idle, activity, guard);
    let accept = taken.cut.run_until_cancelled(shared.tls.accept(stream));
    let stream = accept.await.ok_or(HandshakeError::Refused)?.map_err(HandshakeError::Tls)?;
    Ok(Established { stream, address, place: taken })
}

fn count<T>(
    metrics: &ServerMetrics,
    finished: Result<Result<T, HandshakeError>, Elapsed>,
    address: SocketAddr,
) -> Option<T> {
    match finished {
        Ok(Ok(stream)) => {
            metrics.ok.inc();
            Some(stream)
        }
        Ok(Err(HandshakeError::Proxy(problem))) => {
            metrics.proxy_refused.inc();
            tracing::debug!(%problem, %address, "a PROXY header is missing or invalid");
            None
        }
        Ok(Err(HandshakeError::Refused)) => None,
        Ok(Err(HandshakeError::Tls(problem))) => {
            metrics.failed.inc();
            tracing::debug!(%problem, %address, "a TLS handshake failed");
            None
        }
        Err(_) => {
            metrics.timeout.inc();
            tracing::debug!(%address, "a TLS handshake timed out");
            None
        }
    }
}

async fn serve_http1(stream: Stream, exchange: Arc<Exchange>) -> hyper::Result<()> {
    let limits = exchange.shared.limits;
    let service = {
        let exchange = Arc::clone(&exchange);
        service_fn(move |request| service::respond(Arc::clone(&exchange), request))
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_header_size(limits.headers_bytes.into())
        .max_buf_size(MAX_BUFFER_BYTES + 8 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ending = tokio::select! {
        result = connection.as_mut() => return result,
        ending = ending::reason(&exchange, false) => ending,
    };
    connection.as_mut().graceful_shutdown();
    ending::finish(connection, &exchange, ending, false).await
}

async fn serve_http2(stream: Stream, exchange: Arc<Exchange>) -> hyper::Result<()> {
    let limits = exchange.shared.limits;
    exchange.activity.set_http2();
    let service = {
        let exchange = Arc::clone(&exchange);
        service_fn(move |request| service::respond(Arc::clone(&exchange), request))
    };
    let connection = http2::Builder::new(Streams(Arc::clone(&exchange)))
        .timer(TokioTimer::new())
        .max_header_list_size(limits.headers_bytes.into())
        .max_concurrent_streams(limits.streams)
        .max_send_buf_size(MAX_BUFFER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ending = tokio::select! {
        result = connection.as_mut() => return result,
        ending = ending::reason(&exchange, true) => ending,
    };
    connection.as_mut().graceful_shutdown();
    ending::finish(connection, &exchange, ending, true).await
}

/// Runs the streams of HTTP/2 as tasks that the drain waits for, as long as their responses are read.
#[derive(Clone)]
struct Streams(Arc<Exchange>);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, future: F) {
        let exchange = Arc::clone(&self.0);
        let open = exchange.activity.open_stream();
        exchange.shared.tracker.clone().spawn(async move {
            let Exchange { shared, place, .. } = &*exchange;
            if watch_stream(future, shared.limits.idle, &place.cut).await == StreamEnd::Stalled {
                shared.metrics.closed.stalled.inc();
            }
            drop(open);
        });
    }
}
