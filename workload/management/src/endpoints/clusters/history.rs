//! `GET /1.0/remote-cluster/{name}/history`: a cluster's history.

use api::{ClusterHistory, HistoryResolution};
use edge::{Error, Response, response};
use fleet::history::Resolution;
use protocol::envelope::Envelope;
use sign_in::errors::from_store;
use utoipa::IntoParams;

use crate::http::call::Call;
use crate::http::delivery::{EntityTag, with_tag};
use crate::http::query_string::parameters;
use crate::http::responses::{AuthenticationErrors, CommonErrors, NotFoundErrors};

/// The query, for OpenAPI only.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query, which `resolution` reads")]
pub(crate) struct HistoryParameters {
    /// The resolution: `5m` has a point every five minutes of the last two days, `1h` one every hour of the last ninety
    /// days.
    #[param(inline, default = "5m")]
    resolution: Option<HistoryResolution>,
}

/// The history of a cluster: health, load, memory, storage, members and instances. If there is a clear trend, it also
/// says when memory and storage will be full.
#[utoipa::path(
    get, path = "/1.0/remote-cluster/{name}/history", tag = "clusters",
    params(("name" = String, Path, description = "The name of the cluster"), HistoryParameters),
    responses(
        (status = 200, body = Envelope<ClusterHistory>),
        (status = 304, description = "The history still matches the entity tag in `If-None-Match`."),
        NotFoundErrors, AuthenticationErrors, CommonErrors
    )
)]
pub(crate) async fn show(call: Call) -> Result<Response, Error> {
    let resolution = resolution(&parameters(&call.query)?)?;
    let store = &call.management.store;
    let cluster = store.cluster(call.name()).await.map_err(from_store)?.ok_or(Error::NotFound)?;
    let hours = store.history(cluster.id, Resolution::Hour).await.map_err(from_store)?;
    let history = match resolution {
        Resolution::Hour => ClusterHistory::new(resolution, &hours, &hours),
        Resolution::FiveMinutes => {
            let points = store.history(cluster.id, resolution).await.map_err(from_store)?;
            ClusterHistory::new(resolution, &points, &hours)
        }
    };
    Ok(with_tag(EntityTag::of(&history), response::success(history)))
}

fn resolution(parameters: &[(String, String)]) -> Result<Resolution, Error> {
    let invalid = || Error::BadRequest("the only parameter is resolution; it can be 5m or 1h".to_owned());
    match parameters {
        [] => Ok(Resolution::FiveMinutes),
        [(name, value)] if name == "resolution" => Resolution::from_word(value).ok_or_else(invalid),
        _ => Err(invalid()),
    }
}
