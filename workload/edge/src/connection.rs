//! One connection, from the accepted socket to its end: PROXY header, TLS, then HTTP/1.1 or HTTP/2.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{error::Elapsed, sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::activity::Activity;
use crate::metrics::ServerMetrics;
use crate::peer::ClientCertificate;
use crate::service::{self, Exchange};
use crate::shared::Shared;
use crate::stream::GuardedStream;
use crate::{Peer, proxy};

/// The longest headers of a request, in bytes: enough for any cookie and any query of an identity provider.
const MAX_HEADERS_BYTES: u16 = u16::MAX;

/// During a drain, how long an accepted connection without a request so far may still send one.
const FIRST_REQUEST_GRACE: Duration = Duration::from_secs(2);

/// Counts a connection as long as its socket lives. A websocket outlives the task that accepted it.
pub(crate) struct Guard {
    open: Gauge,
    _permit: OwnedSemaphorePermit,
    _tracked: TaskTrackerToken,
}

type Stream = TlsStream<GuardedStream<Guard>>;

impl Guard {
    pub(crate) fn new(shared: &Shared, permit: OwnedSemaphorePermit) -> Self {
        let open = shared.metrics.open.clone();
        open.inc();
        Self { open, _permit: permit, _tracked: shared.tracker.token() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.open.dec();
    }
}

enum HandshakeError {
    Proxy(io::Error),
    Tls(io::Error),
}

/// Serves one connection to its end.
pub(crate) async fn run(shared: Arc<Shared>, socket: TcpStream, address: SocketAddr, guard: Guard) {
    let activity = Arc::new(Activity::default());
    let handshake = timeout(shared.limits.handshake, handshake(&shared, socket, address, guard, &activity));
    let finished = tokio::select! {
        finished = handshake => finished,
        () = after_grace(&shared.draining) => return,
    };
    let Some((stream, address)) = count(&shared.metrics, finished, address) else { return };

    let tls = stream.get_ref().1;
    let peer = Peer { address, certificate: ClientCertificate::of_chain(tls.peer_certificates()) };
    let http2 = tls.alpn_protocol() == Some(b"h2");
    let exchange = Arc::new(Exchange { shared, peer, activity });
    let result =
        if http2 { serve_http2(stream, exchange).await } else { serve_http1(stream, exchange).await };
    if let Err(problem) = result {
        tracing::debug!(%problem, %address, "a connection failed");
    }
}

async fn handshake(
    shared: &Shared,
    mut socket: TcpStream,
    address: SocketAddr,
    guard: Guard,
    activity: &Arc<Activity>,
) -> Result<(Stream, SocketAddr), HandshakeError> {
    let address =
        proxy::client_address(&mut socket, address, &shared.proxy).await.map_err(HandshakeError::Proxy)?;
    let stream = GuardedStream::new(socket, shared.limits.idle, Arc::clone(activity), guard);
    let stream = shared.tls.accept(stream).await.map_err(HandshakeError::Tls)?;
    Ok((stream, address))
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
        .max_header_size(MAX_HEADERS_BYTES.into())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result,
        () = drained(&exchange) => connection.as_mut().graceful_shutdown(),
    }
    within(limits.drain, connection).await
}

async fn serve_http2(stream: Stream, exchange: Arc<Exchange>) -> hyper::Result<()> {
    let limits = exchange.shared.limits;
    let executor = Tracked(exchange.shared.tracker.clone());
    let service = {
        let exchange = Arc::clone(&exchange);
        service_fn(move |request| service::respond(Arc::clone(&exchange), request))
    };
    let connection = http2::Builder::new(executor)
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEADERS_BYTES.into())
        .max_concurrent_streams(100)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result,
        () = drained(&exchange) => connection.as_mut().graceful_shutdown(),
    }
    within(limits.drain, connection).await
}

/// Completes when this connection must begin to close: immediately if it has been used, otherwise after a grace period
/// in which the request that it was opened for can arrive.
async fn drained(exchange: &Exchange) {
    exchange.shared.draining.cancelled().await;
    if !exchange.activity.has_begun() {
        sleep(FIRST_REQUEST_GRACE).await;
    }
}

async fn after_grace(draining: &CancellationToken) {
    draining.cancelled().await;
    sleep(FIRST_REQUEST_GRACE).await;
}

async fn within(limit: Duration, connection: impl Future<Output = hyper::Result<()>>) -> hyper::Result<()> {
    timeout(limit, connection).await.unwrap_or(Ok(()))
}

/// Runs the streams of HTTP/2 as tasks that the drain waits for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
