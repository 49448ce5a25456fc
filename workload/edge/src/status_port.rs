//! The plain HTTP port for operators: GET and HEAD of `/status` and `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod places;

use places::Places;

/// Whether the process is healthy.
pub trait HealthCheck: Send + Sync {
    /// `Err` contains the problem, for the log. No result within three seconds counts as an error.
    fn healthy(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// Returns the metrics of the process as OpenMetrics text.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_secs(3);
const HEADERS_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time for a whole connection, which carries one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Beyond it, the address with the most connections loses its oldest one.
const MAX_CONNECTIONS: usize = 64;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Serves until the shutdown. Open connections then end within a few seconds.
pub async fn serve(
    listener: TcpListener,
    checks: Arc<dyn HealthCheck>,
    metrics: MetricsText,
    shutdown: CancellationToken,
) {
    let (places, tracker) = (Arc::new(Places::new(MAX_CONNECTIONS)), TaskTracker::new());
    let accept = async {
        loop {
            let Ok((socket, address)) = listener.accept().await else {
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let place = places.enter(address.ip());
            let (checks, metrics) = (Arc::clone(&checks), Arc::clone(&metrics));
            tracker.spawn(async move {
                let request = timeout(CONNECTION_TIMEOUT, one_request(socket, checks, metrics));
                let _ = place.cut.run_until_cancelled(request).await;
            });
        }
    };
    shutdown.run_until_cancelled(accept).await;
    drop(listener);
    tracker.close();
    tracker.wait().await;
}

async fn one_request(
    socket: TcpStream,
    checks: Arc<dyn HealthCheck>,
    metrics: MetricsText,
) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let (checks, metrics) = (Arc::clone(&checks), Arc::clone(&metrics));
        async move { Ok::<_, Infallible>(respond(&request, &*checks, &*metrics).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service)
        .await
}

async fn respond(
    request: &Request<Incoming>,
    checks: &dyn HealthCheck,
    metrics: &(dyn Fn() -> String + Send + Sync),
) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        // The body of a response to HEAD is left out when it is sent.
        (&(Method::GET | Method::HEAD), "/status") => status(checks).await,
        (&(Method::GET | Method::HEAD), "/metrics") => text(StatusCode::OK, OPEN_METRICS, metrics()),
        (_, "/status" | "/metrics") => text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "Method Not Allowed\n"),
        _ => text(StatusCode::NOT_FOUND, PLAIN, "Not Found\n"),
    }
}

/// The problem goes only to the log, because this port has no sign-in.
async fn status(checks: &dyn HealthCheck) -> Response<Full<Bytes>> {
    let problem = match timeout(HEALTH_CHECK_TIMEOUT, checks.healthy()).await {
        Ok(Ok(())) => return text(StatusCode::OK, PLAIN, "OK\n"),
        Ok(Err(problem)) => problem,
        Err(_) => "the health check timed out".to_owned(),
    };
    tracing::warn!(problem, "not healthy");
    text(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "Not healthy\n")
}

fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
