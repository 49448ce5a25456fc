//! The accept loop: one task for each connection, and a drain at the end.

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

use crate::caps::{Places, Seldom};
use crate::connection::{self, Accepted};
use crate::shared::Shared;
use crate::{EdgeMetrics, Limits, MemoryBudget, ProxyPolicy, Response};

/// One HTTPS server.
pub struct Server {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// The socket on which it listens.
    pub listener: TcpListener,
    /// Its TLS configuration, from [`crate::tls::server_config`].
    pub tls: Arc<ServerConfig>,
    /// The load balancers whose PROXY headers it trusts.
    pub proxy: ProxyPolicy,
    /// Its limits.
    pub limits: Limits,
    /// Whether every HTTP/1.1 connection is closed after its response, except for websockets. For clients that never
    /// close their connections.
    pub close_after_response: bool,
    /// Whether its responses may be large, so that even small requests are refused when memory is nearly exhausted.
    pub has_large_responses: bool,
    /// The memory of the process.
    pub memory: MemoryBudget,
    /// Its metrics.
    pub metrics: EdgeMetrics,
}

/// How long the loop pauses at first when the system cannot accept a socket. The pause doubles with each failure.
const FIRST_ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const MAX_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The shortest time between two warnings that the limit of connections is reached.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Serves until the shutdown, then drains: no more connections are accepted, requests in progress are completed, and
/// idle connections are closed. Returns when all connections have ended, including websockets, or when the drain limit is
/// reached.
///
/// The routes should come from [`crate::routes()`], so that requests that warp rejects get a response in an envelope.
pub async fn serve(server: Server, routes: BoxedFilter<(Response,)>, shutdown: CancellationToken) {
    let Server {
        name,
        listener,
        tls,
        proxy,
        limits,
        close_after_response,
        has_large_responses,
        memory,
        metrics,
    } = server;
    let metrics = metrics.of(name);
    let places = Arc::new(Places::new(limits.places(), metrics.unread.clone()));
    let shared = Arc::new(Shared {
        name,
        tls: TlsAcceptor::from(tls),
        proxy,
        limits,
        close_after_response,
        has_large_responses,
        memory,
        places,
        refused: Seldom::default(),
        metrics,
        routes,
        draining: shutdown.child_token(),
        tracker: TaskTracker::new(),
    });
    // Accepted sockets inherit this. A response is written in one go, so waiting for more of it would only delay it.
    if let Err(problem) = SockRef::from(&listener).set_tcp_nodelay(true) {
        tracing::warn!(server = name, %problem, "cannot set TCP_NODELAY; responses may be delayed");
    }
    accept_until(&shutdown, &listener, &shared).await;
    drop(listener);

    shared.tracker.close();
    // Each connection ends within the limit; the extra time is for its last steps.
    if timeout(limits.drain + Duration::from_secs(3), shared.tracker.wait()).await.is_err() {
        let left = shared.metrics.open.get();
        tracing::warn!(
            server = name,
            connections = left,
            "the drain timeout expired; closing the remaining connections"
        );
    }
}

async fn accept_until(shutdown: &CancellationToken, listener: &TcpListener, shared: &Arc<Shared>) {
    let permits = Arc::new(Semaphore::new(shared.limits.connections.min(Semaphore::MAX_PERMITS)));
    let mut stopping = pin!(shutdown.cancelled());
    let mut pause = FIRST_ACCEPT_PAUSE;
    let mut warned: Option<Instant> = None;
    loop {
        if permits.available_permits() == 0 && warned.is_none_or(|at| at.elapsed() > WARNING_INTERVAL) {
            warned = Some(Instant::now());
            tracing::warn!(
                server = shared.name,
                limit = shared.limits.connections,
                "the limit of connections is reached"
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
                pause = FIRST_ACCEPT_PAUSE;
                shared.metrics.accepted.inc();
                if let Some(accepted) = Accepted::new(shared, permit, socket, address) {
                    shared.tracker.spawn(connection::run(Arc::clone(shared), accepted));
                }
            }
            Err(problem) if concerns_only_the_connection(&problem) => {}
            Err(problem) => {
                tracing::warn!(server = shared.name, %problem, "cannot accept a connection");
                tokio::select! {
                    () = &mut stopping => return,
                    () = sleep(pause) => pause = (pause * 2).min(MAX_ACCEPT_PAUSE),
                }
            }
        }
    }
}

/// Whether the error concerns only this connection, so that the next one can be accepted immediately. Otherwise the
/// system lacks a resource, such as file descriptors, and an immediate retry would only waste CPU time.
fn concerns_only_the_connection(problem: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(problem.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
