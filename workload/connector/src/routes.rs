//! The paths and methods of the endpoints, in one filter: every endpoint needs the same parts of a request.

use std::convert::Infallible;
use std::sync::Arc;

use edge::body::{RequestBody, incoming};
use edge::{Error, Response, respond};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;

use crate::call::{Call, call};
use crate::connector::Connector;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Probe,
    Status,
    Join,
    Heartbeat,
    Tunnel,
    Leave,
}

impl Connector {
    /// All routes of the connector. They never reject.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        let connector = self.clone();
        let take =
            warp::method()
                .and(warp::path::full())
                .and(call())
                .and(authorization())
                .and(incoming())
                .then(move |method, path: FullPath, call, authorization, body| {
                    let connector = connector.clone();
                    async move {
                        respond(connector.handle(&method, path.as_str(), call, authorization, body).await)
                    }
                })
                .boxed();
        edge::routes(vec![take])
    }

    async fn handle(
        self: Arc<Self>,
        method: &Method,
        path: &str,
        call: Call,
        authorization: Option<HeaderValue>,
        body: RequestBody,
    ) -> Result<Response, Error> {
        match endpoint(method, path) {
            Ok(Endpoint::Probe) => self.probe(call.peer.address.ip()),
            Ok(Endpoint::Status) => self.status(call.peer.address.ip()).await,
            Ok(Endpoint::Join) => {
                // A header that is not text counts as an invalid proof.
                let authorization = authorization.as_ref().map(|value| value.to_str().unwrap_or_default());
                self.join(call, authorization, body).await
            }
            Ok(Endpoint::Heartbeat) => self.heartbeat(&call, body).await,
            Ok(Endpoint::Tunnel) => self.tunnel(&call.peer).await,
            Ok(Endpoint::Leave) => self.leave(&call).await,
            Err(error) => {
                self.check_stray(&call.peer)?;
                Err(error)
            }
        }
    }
}

/// The endpoint of a request. An unknown path is a 404, another method on a known path a 405.
fn endpoint(method: &Method, path: &str) -> Result<Endpoint, Error> {
    match (path.strip_suffix('/').unwrap_or(path), method) {
        // The server leaves out the body of a response to `HEAD`.
        ("", &Method::GET | &Method::HEAD) => Ok(Endpoint::Probe),
        ("/1.0/status", &Method::GET | &Method::HEAD) => Ok(Endpoint::Status),
        ("/1.0/remote-cluster", &Method::POST) => Ok(Endpoint::Join),
        ("/1.0/remote-cluster/status", &Method::POST) => Ok(Endpoint::Heartbeat),
        ("/1.0/remote-cluster/ws", &Method::GET) => Ok(Endpoint::Tunnel),
        ("/1.0/remote-cluster", &Method::DELETE) => Ok(Endpoint::Leave),
        (
            ""
            | "/1.0/status"
            | "/1.0/remote-cluster"
            | "/1.0/remote-cluster/status"
            | "/1.0/remote-cluster/ws",
            _,
        ) => Err(Error::MethodNotAllowed),
        _ => Err(Error::NotFound),
    }
}

fn authorization() -> impl Filter<Extract = (Option<HeaderValue>,), Error = Infallible> + Clone {
    warp::header::value(AUTHORIZATION.as_str()).map(Some).or(warp::any().map(|| None)).unify()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_methods() {
        for (method, path, expected) in [
            (Method::GET, "/", Ok(Endpoint::Probe)),
            (Method::HEAD, "/", Ok(Endpoint::Probe)),
            (Method::HEAD, "/1.0/status/", Ok(Endpoint::Status)),
            (Method::POST, "/1.0/remote-cluster", Ok(Endpoint::Join)),
            (Method::DELETE, "/1.0/remote-cluster", Ok(Endpoint::Leave)),
            (Method::GET, "/1.0/remote-cluster", Err(405)),
            (Method::HEAD, "/1.0/remote-cluster/ws", Err(405)),
            (Method::POST, "/", Err(405)),
            (Method::GET, "//", Err(404)),
            (Method::GET, "/1.0", Err(404)),
            (Method::POST, "/1.0/remote-cluster/status/x", Err(404)),
        ] {
            let found = endpoint(&method, path).map_err(|error| error.status().as_u16());
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
