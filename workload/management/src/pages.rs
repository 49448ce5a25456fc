//! What a browser opens.

use edge::{Error, Response};
use warp::Reply as _;

use crate::call::Call;

/// A page for whoever comes by before the web UI is built.
pub(crate) async fn root(_call: Call) -> Result<Response, Error> {
    const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
        content=\"width=device-width\"><title>Cluster Manager</title><h1>Cluster Manager</h1>\
        <p>The API is at <code>/1.0</code>. On the server, <code>cluster-manager cluster list</code> shows the fleet.";
    Ok(warp::reply::html(PAGE).into_response())
}
