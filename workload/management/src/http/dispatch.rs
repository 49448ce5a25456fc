//! The steps of a request: guard, route, limits, caller, role, handler.

use std::sync::Arc;

use edge::body::{RequestBody, incoming};
use edge::{ClientKey, Draining, Error, Peer, RequestId, Response, SharedConnection, respond};
use http::header::SET_COOKIE;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use sign_in::Principal;
use sign_in::errors::from_store;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::host::Authority;
use warp::path::FullPath;

use crate::Management;
use crate::http::call::Call;
use crate::http::delivery::Delivery;
use crate::http::guard::{check_fetch_site, harden};
use crate::http::limits::Action;
use crate::http::query_string::without_recursion;
use crate::http::refusals::Attempt;
use crate::http::routes::{Access, ROUTES, Route, method_word};

/// The longest name of a cluster, in bytes: 255 characters of at most four.
const MAX_CLUSTER_NAME_BYTES: usize = 1020;

impl Management {
    /// All routes. They never reject.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        routes(self.clone())
    }
}

/// One filter for the whole table: every route needs the same parts of a request.
fn routes(management: Arc<Management>) -> BoxedFilter<(Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let take = warp::method()
        .and(warp::path::full())
        .and(query)
        .and(host())
        .and(warp::ext::optional::<SharedConnection>())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::ext::get::<RequestId>())
        .and(warp::ext::get::<Draining>())
        .and(incoming())
        .then(move |method, path, query, host, connection, headers, peer, request_id, draining, body| {
            let request = RequestParts {
                method,
                path,
                query,
                host,
                connection,
                headers,
                peer,
                request_id,
                draining,
                body,
            };
            let management = management.clone();
            async move {
                let has_public_name = management.options.public_name.is_some();
                let delivery = Delivery::requested_by(&request.method, &request.headers);
                let is_head = request.method == Method::HEAD;
                let mut response = delivery.deliver(respond(handle(management, request).await)).await;
                if is_head {
                    // HEAD changes nothing, in the browser either.
                    response.headers_mut().remove(SET_COOKIE);
                }
                harden(&mut response, has_public_name);
                response
            }
        });
    edge::routes(vec![take.boxed()])
}

/// The `Host` header, or `:authority` of HTTP/2. `None` if the two differ.
fn host() -> BoxedFilter<(Option<String>,)> {
    let named = warp::host::optional().map(|host: Option<Authority>| host.map(|host| host.to_string()));
    named.or(warp::any().map(|| None)).unify().boxed()
}

struct RequestParts {
    method: Method,
    path: FullPath,
    query: String,
    host: Option<String>,
    connection: Option<SharedConnection>,
    headers: HeaderMap,
    peer: Peer,
    request_id: RequestId,
    draining: Draining,
    body: RequestBody,
}

async fn handle(management: Arc<Management>, request: RequestParts) -> Result<Response, Error> {
    let RequestParts { method, headers, peer, request_id, .. } = &request;
    let mut attempt = Attempt::new(method_word(method), headers, peer.address.ip(), *request_id);
    let outcome = call_handler(management.clone(), request, &mut attempt).await;
    if let Err(error) = &outcome {
        management.refusals.note(&attempt, error.status());
    }
    outcome
}

async fn call_handler(
    management: Arc<Management>,
    request: RequestParts,
    attempt: &mut Attempt,
) -> Result<Response, Error> {
    let RequestParts { method, path, query, host, connection, headers, peer, request_id, draining, body } =
        request;
    let found = find(&method, path.as_str());
    if let Ok((route, parameters)) = &found {
        attempt.route = Some(route.path);
        let names_cluster = route.path.starts_with("/1.0/remote-cluster/{name}");
        attempt.cluster =
            parameters.first().filter(|name| names_cluster && name.len() <= MAX_CLUSTER_NAME_BYTES).cloned();
    }
    // Counted first: refusals are recorded, so their number must be limited too.
    let action = found.as_ref().map_or(Action::Unauthenticated, |(route, _)| counted_as(route));
    management.limits.check_address(action, peer.address.ip())?;
    check_host(&management, host.as_deref(), connection.as_ref())?;
    check_fetch_site(&method, path.as_str(), &headers)?;
    let (route, parameters) = found?;
    if needs_database(route) {
        management.store.ensure_prepared().map_err(from_store)?;
    }
    let principal = authorise(&management, route.access, &headers, &peer, attempt).await?;
    body.check_coding()?;
    let is_head = method == Method::HEAD;
    let query = if route.path.ends_with("{*rest}") { query } else { without_recursion(&query) };
    let call = Call {
        management,
        principal,
        peer,
        request_id,
        draining,
        headers,
        is_head,
        host,
        query,
        parameters,
        body,
    };
    (route.handler)(call).await
}

/// Refuses a request for another server that a client sent on a connection to this one.
fn check_host(
    management: &Management,
    host: Option<&str>,
    connection: Option<&SharedConnection>,
) -> Result<(), Error> {
    let Some(connection) = connection else { return Ok(()) };
    if host.is_some_and(|host| management.sign_in.is_own_host(host, connection)) {
        return Ok(());
    }
    Err(Error::Misdirected(
        "the request is for a host that is not this hub; use a name that its certificate covers, or set \
         MANAGEMENT_API_DOMAIN"
            .to_owned(),
    ))
}

/// What a call counts as before its caller is known.
fn counted_as(route: &Route) -> Action {
    match route.access {
        Access::Public if route.path.starts_with("/oidc/") => Action::SignIn,
        Access::Public => Action::Page,
        Access::SignedIn | Access::Role(_) => Action::Unauthenticated,
    }
}

/// Whether a route needs this program's schema: all do but pages, descriptions, and the readiness, which checks it.
fn needs_database(route: &Route) -> bool {
    route.access != Access::Public || route.path.starts_with("/oidc/")
}

/// The caller, if the route is not public. Fails if the caller may not use the route.
async fn authorise(
    management: &Management,
    access: Access,
    headers: &HeaderMap,
    peer: &Peer,
    attempt: &mut Attempt,
) -> Result<Option<Principal>, Error> {
    if access == Access::Public {
        return Ok(None);
    }
    let principal = management.sign_in.principal(headers).await?.ok_or(Error::Unauthorized)?;
    attempt.actor = Some(principal.actor.clone());
    peer.authenticated_as(ClientKey::of(&principal.actor))?;
    management.limits.check_caller(&principal.actor)?;
    match access {
        Access::Role(needed) if principal.role.is_none_or(|role| role < needed) => Err(Error::Forbidden),
        _ => Ok(Some(principal)),
    }
}

/// The route of a method and a path. Fails with 404 for an unknown path, and with 405 for an unknown method of a path.
fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Error> {
    // HEAD is handled as GET; the server does not send the body.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut is_known = false;
    for route in ROUTES {
        if let Some(parameters) = matches(route.path, path) {
            if route.method == method {
                return Ok((route, parameters?));
            }
            is_known = true;
        }
    }
    Err(if is_known { Error::MethodNotAllowed } else { Error::NotFound })
}

/// The parameters of the path, if it matches the pattern.
fn matches(pattern: &str, path: &str) -> Option<Result<Vec<String>, Error>> {
    let mut parameters = Vec::new();
    let mut segments = path.strip_prefix('/')?.split('/');
    for part in pattern.strip_prefix('/')?.split('/') {
        if part.starts_with("{*") {
            let first = segments.next()?.to_owned();
            parameters.push(Ok(segments.fold(first, |rest, segment| rest + "/" + segment)));
            return Some(parameters.into_iter().collect());
        }
        let segment = segments.next()?;
        if part.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            parameters.push(decode(segment));
        } else if part != segment {
            return None;
        }
    }
    if segments.next().is_some() { None } else { Some(parameters.into_iter().collect()) }
}

fn decode(segment: &str) -> Result<String, Error> {
    let text = percent_decode_str(segment).decode_utf8();
    text.map(String::from).map_err(|_| Error::BadRequest("the path is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, path: &str) -> Option<Vec<String>> {
        matches(pattern, path).map(Result::unwrap)
    }

    #[test]
    fn each_segment_is_percent_decoded() {
        assert_eq!(
            found("/1.0/remote-cluster/{name}", "/1.0/remote-cluster/a%2Fb%3Fc%23d%25"),
            Some(vec!["a/b?c#d%".to_owned()])
        );
        assert_eq!(found("/1.0/remote-cluster/{name}", "/1.0/remote-cluster/a/b"), None);
        assert_eq!(found("/1.0/remote-cluster/{name}", "/1.0/remote-cluster/"), None);
        assert_eq!(found("/1.0/remote-cluster", "/1.0/remote-cluster/"), None);
        assert!(matches("/{name}", "/%ff").unwrap().is_err());
    }

    #[test]
    fn rest_of_a_path_is_not_decoded() {
        assert_eq!(found("/ui/{*rest}", "/ui/cluster/a%2Fb"), Some(vec!["cluster/a%2Fb".to_owned()]));
        assert_eq!(found("/ui/{*rest}", "/ui/"), Some(vec![String::new()]));
        assert_eq!(found("/ui/{*rest}", "/ui"), None);
    }

    #[test]
    fn known_path_with_other_method_is_405() {
        assert!(find(&Method::GET, "/1.0").is_ok());
        assert!(find(&Method::HEAD, "/1.0").is_ok());
        assert!(matches!(find(&Method::POST, "/1.0"), Err(Error::MethodNotAllowed)));
        assert!(matches!(find(&Method::GET, "/2.0"), Err(Error::NotFound)));
    }
}
