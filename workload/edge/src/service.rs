//! One request, from its headers to its response: the peer, the timeout, and a line in the access log.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE};
use http::{Method, Request, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use tower_service::Service as _;
use tracing::Level;

use crate::activity::Activity;
use crate::body::Coded;
use crate::body::timed::TimedBody;
use crate::caps::{Charge, Place, TooMuchUnread, current_stream};
use crate::error::LoggedCause;
use crate::head::without_body;
use crate::host::{self, SharedConnection};
use crate::memory::Shortage;
use crate::metered_body::{MeteredBody, Metering};
use crate::response::{Routine, SharedMemory};
use crate::shared::Shared;
use crate::{Draining, Error, Peer, RequestId, Response};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest path in the access log, in bytes; the rest is cut off.
const MAX_LOGGED_PATH_BYTES: usize = 256;

/// Up to this size, in bytes, the last response of a connection is written together with the close.
const MAX_LAST_RESPONSE_BYTES: u64 = 4 * 1024;

/// Above this size, in bytes, a request is large. Heartbeats without metrics are smaller.
const LARGE_BODY_BYTES: u64 = 64 * 1024;

/// When a request that was refused may succeed.
const MEMORY_RETRY_AFTER: Duration = Duration::from_secs(10);
const UNREAD_RETRY_AFTER: Duration = Duration::from_secs(5);

/// What all requests of one connection share.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<Activity>,
    pub(crate) place: Arc<Place>,
    /// Set on HTTP/2 only.
    pub(crate) sharing: Option<SharedConnection>,
}

/// Handles one request. There is always a response, whatever the handler does.
pub(crate) async fn respond(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<http::Response<MeteredBody>, Infallible> {
    let begun = Instant::now();
    let _working = exchange.activity.begin();
    let id = RequestId::next();
    let (method, uri, version) = (request.method().clone(), request.uri().clone(), request.version());
    // If an upgrade was requested, hyper releases the connection without closing it, whatever the response is.
    let may_upgrade = method == Method::CONNECT || request.headers().contains_key(UPGRADE);

    let refusal = refuse(&request).err().or_else(|| refuse_for_memory(&exchange.shared, &request));
    let refusal =
        refusal.or_else(|| exchange.place.account.check().err().map(|unread| too_much(&exchange, unread)));
    let mut response = match refusal {
        Some(error) => error.into_response(),
        None => handle(&exchange, request, id).await,
    };
    if method == Method::HEAD {
        response = without_body(response, version);
    }
    let charge = charge(&exchange, &mut response, version);
    finish(&exchange, &mut response, id, version);
    if !may_upgrade && is_short_and_last(&response) {
        exchange.activity.set_closing();
    }
    exchange.shared.metrics.responded(response.status(), begun.elapsed().as_secs_f64());
    log(&exchange, &method, &uri, &response, begun, id);
    Ok(metered(&exchange, response, charge))
}

/// Refuses what no route may see. warp panics on a target without a path: `CONNECT` never has one, and other methods can
/// come without one, too.
fn refuse(request: &Request<Incoming>) -> Result<(), Error> {
    if request.method() == Method::CONNECT {
        return Err(Error::MethodNotAllowed);
    }
    if request.uri().path_and_query().is_none() {
        return Err(Error::BadRequest("The target of the request must be a path".to_owned()));
    }
    host::check(request.version(), request.uri(), request.headers())
}

/// Refuses what may need much memory while memory is short. Small requests with small responses always pass.
fn refuse_for_memory(shared: &Shared, request: &Request<Incoming>) -> Option<Error> {
    let shortage = shared.memory.shortage();
    if shortage == Shortage::None {
        return None;
    }
    let is_large = request.body().size_hint().upper().is_none_or(|bytes| bytes > LARGE_BODY_BYTES);
    if is_large || (shared.has_large_responses && shortage == Shortage::NearlyExhausted) {
        shared.memory.refused();
        return Some(Error::Overloaded { retry_after: MEMORY_RETRY_AFTER });
    }
    None
}

/// The refusal of a request by a client that does not read its responses.
fn too_much(exchange: &Exchange, unread: TooMuchUnread) -> Error {
    if unread.cut {
        exchange.shared.metrics.closed.unread.inc();
        exchange.place.cut.cancel();
    }
    Error::TooManyRequests { retry_after: UNREAD_RETRY_AFTER }
}

/// Charges the response to its connection, or replaces it by a refusal. `None` on HTTP/1.1 if it is small: such a
/// connection has one response at a time.
fn charge(exchange: &Exchange, response: &mut Response, version: Version) -> Option<Charge> {
    let account = &exchange.place.account;
    let is_shared = response.extensions().get::<SharedMemory>().is_some();
    let bytes = response.body().size_hint().exact().unwrap_or(0);
    if version < Version::HTTP_2
        && response.body().size_hint().exact().is_some_and(|size| size <= MAX_LAST_RESPONSE_BYTES)
    {
        return None;
    }
    let bytes = if is_shared { 0 } else { usize::try_from(bytes).unwrap_or(usize::MAX) };
    match account.charge(bytes) {
        Ok(charge) => Some(charge),
        Err(unread) => {
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                *response = too_much(exchange, unread).into_response();
            }
            Some(account.charge_refusal())
        }
    }
}

fn metered(exchange: &Exchange, response: Response, charge: Option<Charge>) -> http::Response<MeteredBody> {
    let is_shared = response.extensions().get::<SharedMemory>().is_some();
    let is_events = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let events = is_events.then(|| exchange.activity.begin_events());
    response.map(|body| match charge {
        Some(charge) => {
            MeteredBody::new(body, Metering { charge, is_shared, stream: current_stream() }, events)
        }
        None => MeteredBody::free(body),
    })
}

async fn handle(exchange: &Exchange, mut request: Request<Incoming>, id: RequestId) -> Response {
    let Exchange { shared, peer, activity, sharing, .. } = exchange;
    let coded = if request.body().is_end_stream() { None } else { Coded::of(request.headers()) };
    let extensions = request.extensions_mut();
    extensions.insert(peer.clone());
    extensions.insert(id);
    extensions.insert(Draining(shared.draining.clone()));
    if let Some(coded) = coded {
        extensions.insert(coded);
    }
    if let Some(sharing) = sharing {
        extensions.insert(sharing.clone());
    }
    let request = request.map(|body| TimedBody::new(body, shared.limits.idle, Arc::clone(activity)));

    let mut routes = warp::service(shared.routes.clone());
    let response = AssertUnwindSafe(async move { routes.call(request).await }).catch_unwind();
    match timeout(shared.limits.request, response).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_panic)) => Error::internal("the handler panicked").into_response(),
        Err(_) if activity.is_unread() => Error::RequestTimeout.into_response(),
        Err(_) => Error::unavailable("the handler took too long").into_response(),
    }
}

fn finish(exchange: &Exchange, response: &mut Response, id: RequestId, version: Version) {
    let status = response.status();
    if let Some(cause) = response.extensions_mut().remove::<LoggedCause>() {
        let server = exchange.shared.name;
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(server, request_id = %id, %cause, "a request failed");
        } else {
            tracing::warn!(server, request_id = %id, %cause, "cannot serve a request");
        }
    }
    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, id.header());
    // After a timeout, the rest of the request may still arrive. It must not be taken for another request.
    let close = exchange.shared.close_after_response || status == StatusCode::REQUEST_TIMEOUT;
    if close && version < Version::HTTP_2 && status != StatusCode::SWITCHING_PROTOCOLS {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

fn is_short_and_last(response: &Response) -> bool {
    response.headers().get(CONNECTION).is_some_and(|value| value == "close")
        && response.body().size_hint().exact().is_some_and(|size| size <= MAX_LAST_RESPONSE_BYTES)
}

/// Writes the access log. The query is left out because it may contain the code of a sign-in. The client's address and
/// routine responses appear only at debug level.
fn log(exchange: &Exchange, method: &Method, uri: &Uri, response: &Response, begun: Instant, id: RequestId) {
    let debugging = tracing::enabled!(target: "access", Level::DEBUG);
    let is_routine = response.extensions().get::<Routine>().is_some();
    if !debugging && (is_routine || !tracing::enabled!(target: "access", Level::INFO)) {
        return;
    }
    let server = exchange.shared.name;
    let path = &uri.path()[..uri.path().floor_char_boundary(MAX_LOGGED_PATH_BYTES)];
    let status = response.status().as_u16();
    let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
    if debugging {
        let address = exchange.peer.address;
        tracing::debug!(target: "access", server, %method, path, status, milliseconds, request_id = %id, %address);
    } else {
        tracing::info!(target: "access", server, %method, path, status, milliseconds, request_id = %id);
    }
}
