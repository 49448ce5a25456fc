//! `/1.0/remote-cluster/{name}`: one cluster, seen, configured, removed.

use edge::{Error, Response, response};

use crate::call::Call;
use crate::errors::from_store;
use crate::model::{AboutOne, Answer, Anywhere, Cluster, ClusterChange, Nothing, SignedIn, WithBody};

pub(crate) mod bulk;
pub(crate) mod history;

/// One cluster.
#[utoipa::path(
    get, path = "/1.0/remote-cluster/{name}", operation_id = "show_cluster", tag = "clusters",
    params(("name" = String, Path, description = "The cluster's name")),
    responses((status = 200, body = Answer<Cluster>), AboutOne, SignedIn, Anywhere)
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let management = &call.management;
    let clock = management.store.service_clock().await.map_err(from_store)?;
    let cluster = management.store.cluster(call.name()).await.map_err(from_store)?.ok_or(Error::NotFound)?;
    Ok(response::success(Cluster::new(&cluster, &management.options.health, &clock)))
}

/// Changes a cluster's description and thresholds. What is absent stays as it is.
#[utoipa::path(
    patch, path = "/1.0/remote-cluster/{name}", operation_id = "configure_cluster", tag = "clusters",
    params(("name" = String, Path, description = "The cluster's name")),
    request_body = ClusterChange,
    responses((status = 200, body = Answer<Nothing>), AboutOne, SignedIn, Anywhere, WithBody)
)]
pub(crate) async fn configure(call: Call) -> Result<Response, Error> {
    let (management, origin, name) = (call.management.clone(), call.origin(), call.name().to_owned());
    let change: ClusterChange = call.json().await?;
    let change = change.check()?;
    let known = management.store.configure_cluster(&name, &change, &origin).await.map_err(from_store)?;
    if known { Ok(response::success(())) } else { Err(Error::NotFound) }
}

/// Removes a cluster: it cannot report any more.
#[utoipa::path(
    delete, path = "/1.0/remote-cluster/{name}", operation_id = "remove_cluster", tag = "clusters",
    params(("name" = String, Path, description = "The cluster's name")),
    responses((status = 200, body = Answer<Nothing>), AboutOne, SignedIn, Anywhere)
)]
pub(crate) async fn remove(call: Call) -> Result<Response, Error> {
    let removed = call.management.store.remove_cluster(call.name(), &call.origin()).await;
    if removed.map_err(from_store)? { Ok(response::success(())) } else { Err(Error::NotFound) }
}

/// A request for a cluster's own LXD. No cluster has an open tunnel yet.
#[utoipa::path(
    method(get, post, put, patch, delete), path = "/1.0/remote-cluster/{name}/tunnel/{rest}", tag = "clusters",
    params(
        ("name" = String, Path, description = "The cluster's name"),
        ("rest" = String, Path, description = "The path in LXD's API")
    ),
    responses((status = 200, description = "What the cluster's LXD answers"), AboutOne, SignedIn, Anywhere)
)]
pub(crate) async fn tunnel(call: Call) -> Result<Response, Error> {
    if call.management.store.cluster(call.name()).await.map_err(from_store)?.is_none() {
        return Err(Error::NotFound);
    }
    Err(Error::BadRequest("remote cluster does not have an active tunnel".to_owned()))
}
