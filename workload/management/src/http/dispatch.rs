//! A request's way: guard, route, caller, role, handler.

use std::sync::Arc;

use edge::body::{RequestBody, incoming};
use edge::{Draining, Error, Peer, RequestId, Response, respond};
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::host::Authority;
use warp::path::FullPath;

use crate::Management;
use crate::http::call::Call;
use crate::http::delivery::Delivery;
use crate::http::guard::{check_fetch_site, harden};
use crate::http::limits::Action;
use crate::http::refusals::Attempt;
use crate::http::routes::{Access, ROUTES, Route, method_word};
use sign_in::Principal;

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
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::ext::get::<RequestId>())
        .and(warp::ext::get::<Draining>())
        .and(incoming())
        .then(move |method, path: FullPath, query, host, headers, peer, request_id, draining, body| {
            let request = Taken { method, path, query, host, headers, peer, request_id, draining, body };
            let management = management.clone();
            async move {
                let has_public_name = management.options.public_name.is_some();
                let delivery = Delivery::asked_for_by(&request.method, &request.headers);
                let mut response = delivery.deliver(respond(handle(management, request).await)).await;
                harden(&mut response, has_public_name);
                response
            }
        });
    edge::routes(vec![take.boxed()])
}

/// The `Host`, or what HTTP/2 has in its place; none where the two contradict each other.
fn host() -> BoxedFilter<(Option<String>,)> {
    let said = warp::host::optional().map(|host: Option<Authority>| host.map(|host| host.to_string()));
    said.or(warp::any().map(|| None)).unify().boxed()
}

struct Taken {
    method: Method,
    path: FullPath,
    query: String,
    host: Option<String>,
    headers: HeaderMap,
    peer: Peer,
    request_id: RequestId,
    draining: Draining,
    body: RequestBody,
}

async fn handle(management: Arc<Management>, request: Taken) -> Result<Response, Error> {
    let Taken { method, headers, peer, request_id, .. } = &request;
    let mut attempt = Attempt::new(method_word(method), headers, peer.address.ip(), *request_id);
    let outcome = answer_to(management.clone(), request, &mut attempt).await;
    if let Err(error) = &outcome {
        management.refusals.note(&attempt, error.status());
    }
    outcome
}

async fn answer_to(
    management: Arc<Management>,
    request: Taken,
    attempt: &mut Attempt,
) -> Result<Response, Error> {
    let Taken { method, path, query, host, headers, peer, request_id, draining, body } = request;
    let found = find(&method, path.as_str());
    attempt.route = found.as_ref().ok().map(|(route, _)| route.path);
    // Counted first: a refusal is written down, and must not be had as often as somebody likes.
    let action = found.as_ref().map_or(Action::Stranger, |(route, _)| counted_as(route));
    management.limits.check_address(action, peer.address.ip())?;
    check_fetch_site(&method, path.as_str(), &headers)?;
    let (route, parameters) = found?;
    let principal = admit(&management, route.access, &headers, attempt).await?;
    let call =
        Call { management, principal, peer, request_id, draining, headers, host, query, parameters, body };
    (route.handler)(call).await
}

/// What a call is counted as before it is known who calls.
fn counted_as(route: &Route) -> Action {
    match route.access {
        Access::Public if route.path.starts_with("/oidc/") => Action::SignIn,
        Access::Public => Action::Page,
        Access::SignedIn | Access::Role(_) => Action::Stranger,
    }
}

/// Who calls, if the route wants to know; an error if they may not.
async fn admit(
    management: &Management,
    access: Access,
    headers: &HeaderMap,
    attempt: &mut Attempt,
) -> Result<Option<Principal>, Error> {
    if access == Access::Public {
        return Ok(None);
    }
    let principal = management.sign_in.principal(headers).await?.ok_or(Error::Unauthorized)?;
    attempt.actor = Some(principal.actor.clone());
    management.limits.check_caller(&principal.actor)?;
    match access {
        Access::Role(needed) if principal.role.is_none_or(|role| role < needed) => Err(Error::Forbidden),
        _ => Ok(Some(principal)),
    }
}

/// The route for a method and a path: 404 where there is no such path, 405 where it has no such method.
fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Error> {
    // Who asks for the head of an answer is given the answer; its body is not sent.
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

/// What stands in the path where the pattern has braces, if it fits.
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
    text.map(String::from).map_err(|_| Error::BadRequest("The path is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, path: &str) -> Option<Vec<String>> {
        matches(pattern, path).map(Result::unwrap)
    }

    #[test]
    fn names_are_decoded_a_segment_at_a_time() {
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
    fn the_rest_of_a_path_stays_as_it_is() {
        assert_eq!(found("/ui/{*rest}", "/ui/cluster/a%2Fb"), Some(vec!["cluster/a%2Fb".to_owned()]));
        assert_eq!(found("/ui/{*rest}", "/ui/"), Some(vec![String::new()]));
        assert_eq!(found("/ui/{*rest}", "/ui"), None);
    }

    #[test]
    fn a_known_path_with_another_method_is_not_not_found() {
        assert!(find(&Method::GET, "/1.0").is_ok());
        assert!(find(&Method::HEAD, "/1.0").is_ok());
        assert!(matches!(find(&Method::POST, "/1.0"), Err(Error::MethodNotAllowed)));
        assert!(matches!(find(&Method::GET, "/2.0"), Err(Error::NotFound)));
    }
}
