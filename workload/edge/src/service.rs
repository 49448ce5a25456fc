//! One request, from its headers to its response: the peer, the timeout, and a line in the access log.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use http::{Method, Request, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use tower_service::Service as _;
use tracing::Level;

use crate::activity::Activity;
use crate::error::LoggedCause;
use crate::response::Routine;
use crate::shared::Shared;
use crate::timed_body::TimedBody;
use crate::{Draining, Error, Peer, RequestId, Response};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest path in the access log, in bytes; the rest is cut off.
const MAX_LOGGED_PATH_BYTES: usize = 256;

/// Up to this size, in bytes, the last response of a connection is written together with the close.
const MAX_LAST_RESPONSE_BYTES: u64 = 4 * 1024;

/// What all requests of one connection share.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<Activity>,
}

/// Handles one request. There is always a response, whatever the handler does.
pub(crate) async fn respond(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let begun = Instant::now();
    let _working = exchange.activity.begin();
    let id = RequestId::next();
    let (method, uri, version) = (request.method().clone(), request.uri().clone(), request.version());
    // If an upgrade was requested, hyper releases the connection without closing it, whatever the response is.
    let may_upgrade = method == Method::CONNECT || request.headers().contains_key(UPGRADE);

    let mut response = match refuse(&method, &uri) {
        Some(error) => error.into_response(),
        None => handle(&exchange, request, id).await,
    };
    finish(&exchange, &mut response, id, version);
    if !may_upgrade && is_short_and_last(&response) {
        exchange.activity.set_closing();
    }
    exchange.shared.metrics.responded(response.status(), begun.elapsed().as_secs_f64());
    log(&exchange, &method, &uri, &response, begun, id);
    Ok(response)
}

/// warp panics on a target without a path. `CONNECT` never has one, and other methods can come without one, too.
fn refuse(method: &Method, uri: &Uri) -> Option<Error> {
    if method == Method::CONNECT {
        return Some(Error::MethodNotAllowed);
    }
    let pathless = uri.path_and_query().is_none();
    pathless.then(|| Error::BadRequest("The target of the request must be a path".to_owned()))
}

async fn handle(exchange: &Exchange, mut request: Request<Incoming>, id: RequestId) -> Response {
    let Exchange { shared, peer, activity } = exchange;
    let extensions = request.extensions_mut();
    extensions.insert(peer.clone());
    extensions.insert(id);
    extensions.insert(Draining(shared.draining.clone()));
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
