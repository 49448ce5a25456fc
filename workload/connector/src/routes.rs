//! The paths and methods of the endpoints. The path comes before the method, so that a wrong method on a known path is a
//! 405. Every route is boxed, because nested types of warp's filters take long to compile.

use std::sync::Arc;

use edge::{Peer, RequestId, Response, body, respond};
use warp::Filter as _;
use warp::filters::BoxedFilter;

use crate::connector::Connector;

impl Connector {
    /// All routes of the connector. They never reject.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        edge::routes(vec![
            self.probe_route(),
            self.heartbeat_route(),
            self.join_route(),
            self.leave_route(),
            self.tunnel_route(),
            self.status_route(),
        ])
    }

    fn probe_route(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        let get = warp::path::end().and(warp::get()).and(self.shared()).and(warp::ext::get::<Peer>());
        get.map(|connector: Arc<Self>, peer: Peer| respond(connector.probe(peer.address.ip()))).boxed()
    }

    fn status_route(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        let path = warp::path!("1.0" / "status").and(warp::get());
        path.and(self.shared())
            .and(warp::ext::get::<Peer>())
            .then(|connector: Arc<Self>, peer: Peer| async move {
                respond(connector.status(peer.address.ip()).await)
            })
            .boxed()
    }

    fn join_route(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        warp::path!("1.0" / "remote-cluster")
            .and(warp::post())
            .and(self.shared())
            .and(warp::ext::get::<Peer>())
            .and(warp::ext::get::<RequestId>())
            .and(warp::header::headers_cloned())
            .and(body::incoming())
            .then(
                |connector: Arc<Self>, peer: Peer, id: RequestId, headers: http::HeaderMap, body| async move {
                    // A header that is not text counts as an invalid proof.
                    let authorization = headers.get(http::header::AUTHORIZATION);
                    let authorization = authorization.map(|value| value.to_str().unwrap_or_default());
                    respond(connector.join(&peer, id, authorization, body).await)
                },
            )
            .boxed()
    }

    fn heartbeat_route(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        warp::path!("1.0" / "remote-cluster" / "status")
            .and(warp::post())
            .and(self.shared())
            .and(warp::ext::get::<Peer>())
            .and(body::incoming())
            .then(|connector: Arc<Self>, peer: Peer, body| async move {
                respond(connector.heartbeat(&peer, body).await)
            })
            .boxed()
    }

    fn leave_route(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        warp::path!("1.0" / "remote-cluster")
            .and(warp::delete())
            .and(self.shared())
            .and(warp::ext::get::<Peer>())
            .and(warp::ext::get::<RequestId>())
            .then(|connector: Arc<Self>, peer: Peer, id: RequestId| async move {
                respond(connector.leave(&peer, id).await)
            })
            .boxed()
    }

    fn tunnel_route(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        warp::path!("1.0" / "remote-cluster" / "ws")
            .and(warp::get())
            .and(self.shared())
            .and(warp::ext::get::<Peer>())
            .then(|connector: Arc<Self>, peer: Peer| async move { respond(connector.tunnel(&peer).await) })
            .boxed()
    }

    fn shared(
        self: &Arc<Self>,
    ) -> impl warp::Filter<Extract = (Arc<Self>,), Error = std::convert::Infallible> + Clone + use<> {
        let connector = self.clone();
        warp::any().map(move || connector.clone())
    }
}
