//! `/1.0/remote-cluster`: clusters.

use api::{Cluster, ClusterChange};
use edge::{Error, Response, response};
use protocol::envelope::Envelope;
use sign_in::errors::from_store;

use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, BodyErrors, CommonErrors, NotFoundErrors, Nothing};

pub(crate) mod bulk;
pub(crate) mod history;
pub(crate) mod list;

/// One cluster.
#[utoipa::path(
    get, path = "/1.0/remote-cluster/{name}", operation_id = "show_cluster", tag = "clusters",
    params(("name" = String, Path, description = "The name of the cluster")),
    responses((status = 200, body = Envelope<Cluster>), NotFoundErrors, AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let management = &call.management;
    let clock = management.store.service_clock().await.map_err(from_store)?;
    let cluster = management.store.cluster(call.name()).await.map_err(from_store)?.ok_or(Error::NotFound)?;
    Ok(response::success(Cluster::new(&cluster, &management.options.health, &clock)))
}

/// Changes the description and thresholds of a cluster. Fields that are absent stay unchanged.
#[utoipa::path(
    patch, path = "/1.0/remote-cluster/{name}", operation_id = "configure_cluster", tag = "clusters",
    params(("name" = String, Path, description = "The name of the cluster")),
    request_body = ClusterChange,
    responses(
        (status = 200, body = Envelope<Nothing>), NotFoundErrors, AuthenticationErrors, CommonErrors, BodyErrors
    )
)]
pub(crate) async fn configure(call: Call) -> Result<Response, Error> {
    let (management, origin, name) = (call.management.clone(), call.origin(), call.name().to_owned());
    let change: ClusterChange = call.json().await?;
    let change = change.check().map_err(|error| Error::BadRequest(error.to_string()))?;
    let is_known = management.store.configure_cluster(&name, &change, &origin).await.map_err(from_store)?;
    if is_known { Ok(response::success(())) } else { Err(Error::NotFound) }
}

/// Removes a cluster. The hub refuses its heartbeats from now on.
#[utoipa::path(
    delete, path = "/1.0/remote-cluster/{name}", operation_id = "remove_cluster", tag = "clusters",
    params(("name" = String, Path, description = "The name of the cluster")),
    responses((status = 200, body = Envelope<Nothing>), NotFoundErrors, AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn remove(call: Call) -> Result<Response, Error> {
    let removed = call.management.store.remove_cluster(call.name(), &call.origin()).await;
    if removed.map_err(from_store)? { Ok(response::success(())) } else { Err(Error::NotFound) }
}

/// A request to the cluster's own LXD, through its tunnel. Clusters cannot open tunnels yet.
#[utoipa::path(
    method(get, post, put, patch, delete), path = "/1.0/remote-cluster/{name}/tunnel/{rest}", tag = "clusters",
    params(
        ("name" = String, Path, description = "The name of the cluster"),
        ("rest" = String, Path, description = "The path in LXD's API")
    ),
    responses(
        (status = 200, description = "The response of the cluster's LXD"),
        NotFoundErrors, AuthenticationErrors, CommonErrors
    )
)]
pub(crate) async fn tunnel(call: Call) -> Result<Response, Error> {
    if call.management.store.cluster(call.name()).await.map_err(from_store)?.is_none() {
        return Err(Error::NotFound);
    }
    Err(Error::BadRequest("remote cluster does not have an active tunnel".to_owned()))
}
