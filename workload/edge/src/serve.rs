//! The accept loop: one task a connection, and at the end a drain.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::filters::BoxedFilter;

use crate::connection::{self, Guard};
use crate::shared::Shared;
use crate::{EdgeMetrics, Limits, ProxyPolicy, Response};

/// One HTTPS server.
pub struct Server {
    /// What logs and metrics call it.
    pub name: &'static str,
    /// Where it listens.
    pub listener: TcpListener,
    /// Its TLS, from [`crate::tls::server_config`].
    pub tls: Arc<ServerConfig>,
    /// Whose PROXY headers it believes.
    pub proxy: ProxyPolicy,
    /// Its limits.
    pub limits: Limits,
    /// Whether every answer but a websocket's ends its HTTP/1.1 connection, for clients that never do.
    pub close_after_response: bool,
    /// Where it counts.
    pub metrics: EdgeMetrics,
}

/// How long the loop rests after the system had no socket to give, at first; it doubles up to a second.
const FIRST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// A server at its limit of connections would say so with each one.
const WARN_AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// Serves until the shutdown, then drains: nothing more is accepted, what was accepted gets its answer, idle connections
/// are closed. Returns when all of them are gone, websockets included, or the drain limit is over.
///
/// The routes should come from [`crate::routes()`], so that whatever warp refuses is answered with an envelope.
pub async fn serve(server: Server, routes: BoxedFilter<(Response,)>, shutdown: CancellationToken) {
    let Server { name, listener, tls, proxy, limits, close_after_response, metrics } = server;
    let shared = Arc::new(Shared {
        name,
        tls: TlsAcceptor::from(tls),
        proxy,
        limits,
        close_after_response,
        metrics: metrics.of(name),
        routes,
        draining: shutdown.child_token(),
        tracker: TaskTracker::new(),
    });
    // Every socket that it accepts inherits this. An answer is written in one piece; waiting for more of it would only
    // delay it.
    if let Err(problem) = SockRef::from(&listener).set_tcp_nodelay(true) {
        tracing::warn!(server = name, %problem, "answers may be delayed by a moment");
    }
    accept_until(&shutdown, &listener, &shared).await;
    drop(listener);

    shared.tracker.close();
    // Each connection ends itself within the limit; the moment more is for their last steps.
    if timeout(limits.drain + Duration::from_secs(3), shared.tracker.wait()).await.is_err() {
        let left = shared.metrics.open.get();
        tracing::warn!(server = name, connections = left, "the drain ended before these connections did");
    }
}

async fn accept_until(shutdown: &CancellationToken, listener: &TcpListener, shared: &Arc<Shared>) {
    let permits = Arc::new(Semaphore::new(shared.limits.connections.min(Semaphore::MAX_PERMITS)));
    let mut stopping = pin!(shutdown.cancelled());
    let mut rest = FIRST_REST;
    let mut warned: Option<Instant> = None;
    loop {
        if permits.available_permits() == 0 && warned.is_none_or(|at| at.elapsed() > WARN_AT_MOST_EVERY) {
            warned = Some(Instant::now());
            tracing::warn!(
                server = shared.name,
                limit = shared.limits.connections,
                "no more connections for now"
            );
        }
        let accepted = tokio::select! {
            biased;
            () = &mut stopping => return,
            accepted = async {
                let permit = Arc::clone(&permits).acquire_owned().await.map_err(io::Error::other)?;
                listener.accept().await.map(|accepted| (permit, accepted))
            } => accepted,
        };
        match accepted {
            Ok((permit, (socket, address))) => {
                rest = FIRST_REST;
                shared.metrics.accepted.inc();
                let guard = Guard::new(shared, permit);
                shared.tracker.spawn(connection::run(Arc::clone(shared), socket, address, guard));
            }
            Err(problem) if is_of_the_connection(&problem) => {}
            Err(problem) => {
                tracing::warn!(server = shared.name, %problem, "a connection could not be accepted");
                tokio::select! {
                    () = &mut stopping => return,
                    () = sleep(rest) => rest = (rest * 2).min(LONGEST_REST),
                }
            }
        }
    }
}

/// Whether the connection was at fault and the next can be accepted at once. Else the system is short of something, as
/// of file descriptors, and trying at once would only burn the processor.
fn is_of_the_connection(problem: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(problem.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
