//! The API that people and automation call (contract section 2).
//!
//! So far it says whether it is ready and has a page at `/`; sign-in and the rest of the API stand on this.

use std::sync::Arc;

use edge::{Error, Response, answer};
use store::Store;
use warp::Filter as _;
use warp::Reply as _;
use warp::filters::BoxedFilter;

/// The management API.
pub struct Management {
    store: Store,
}

impl Management {
    /// The API over this store.
    pub fn new(store: Store) -> Arc<Self> {
        Arc::new(Self { store })
    }

    /// All routes. They never reject.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        edge::routes(vec![root(), self.status()])
    }

    fn status(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        let management = self.clone();
        warp::path!("1.0" / "status")
            .and(warp::get())
            .then(move || {
                let management = management.clone();
                async move { answer::of(management.ready().await) }
            })
            .boxed()
    }

    async fn ready(&self) -> Result<Response, Error> {
        self.store.ping().await.map_err(Error::unavailable)?;
        Ok(answer::success(()))
    }
}

/// A page for whoever comes by before the web UI is built.
fn root() -> BoxedFilter<(Response,)> {
    const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
        content=\"width=device-width\"><title>Cluster Manager</title><h1>Cluster Manager</h1>\
        <p>The API is at <code>/1.0</code>. On the server, <code>cluster-manager cluster list</code> shows the fleet.";
    warp::path::end().and(warp::get()).map(|| warp::reply::html(PAGE).into_response()).boxed()
}
