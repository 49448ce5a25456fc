//! One request, from its head to its answer's: who asks, how long it may take, and a line in the log about it.

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

/// The longest path that the access log repeats, in bytes.
const MAX_LOGGED_PATH: usize = 256;

/// Up to this size, in bytes, an answer after which the connection closes is written together with its close.
const MAX_LAST_ANSWER: u64 = 4 * 1024;

/// What the requests of one connection share.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<Activity>,
}

/// Answers one request. There is always an answer, whatever the handler does.
pub(crate) async fn respond(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let begun = Instant::now();
    let _working = exchange.activity.begin();
    let id = RequestId::next();
    let (method, uri, version) = (request.method().clone(), request.uri().clone(), request.version());
    // Where an upgrade was asked for, hyper lets go of the connection without closing it, whatever was answered.
    let may_upgrade = method == Method::CONNECT || request.headers().contains_key(UPGRADE);

    let mut response = match refuse(&method, &uri) {
        Some(error) => error.into_response(),
        None => handle(&exchange, request, id).await,
    };
    finish(&exchange, &mut response, id, version);
    if !may_upgrade && is_short_and_last(&response) {
        exchange.activity.set_closing();
    }
    exchange.shared.metrics.answered(response.status(), begun.elapsed().as_secs_f64());
    log(&exchange, &method, &uri, &response, begun, id);
    Ok(response)
}

/// warp panics on a target without a path, which `CONNECT` always has, and other methods can have too.
fn refuse(method: &Method, uri: &Uri) -> Option<Error> {
    if method == Method::CONNECT {
        return Some(Error::MethodNotAllowed);
    }
    let pathless = uri.path_and_query().is_none();
    pathless.then(|| Error::BadRequest("The request's target must be a path".to_owned()))
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
            tracing::warn!(server, request_id = %id, %cause, "a request could not be done now");
        }
    }
    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, id.header());
    // After a time-out the rest of the request may still come; it must not be taken for another one.
    let close = exchange.shared.close_after_response || status == StatusCode::REQUEST_TIMEOUT;
    if close && version < Version::HTTP_2 && status != StatusCode::SWITCHING_PROTOCOLS {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

fn is_short_and_last(response: &Response) -> bool {
    response.headers().get(CONNECTION).is_some_and(|value| value == "close")
        && response.body().size_hint().exact().is_some_and(|size| size <= MAX_LAST_ANSWER)
}

/// The query is left out: it may hold a sign-in's code. The address is for debugging alone, and so are answers that
/// are routine.
fn log(exchange: &Exchange, method: &Method, uri: &Uri, response: &Response, begun: Instant, id: RequestId) {
    let debugging = tracing::enabled!(target: "access", Level::DEBUG);
    let is_routine = response.extensions().get::<Routine>().is_some();
    if !debugging && (is_routine || !tracing::enabled!(target: "access", Level::INFO)) {
        return;
    }
    let server = exchange.shared.name;
    let path = &uri.path()[..uri.path().floor_char_boundary(MAX_LOGGED_PATH)];
    let status = response.status().as_u16();
    let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
    if debugging {
        let address = exchange.peer.address;
        tracing::debug!(target: "access", server, %method, path, status, milliseconds, request_id = %id, %address);
    } else {
        tracing::info!(target: "access", server, %method, path, status, milliseconds, request_id = %id);
    }
}
