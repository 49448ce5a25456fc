//! `GET /1.0/remote-cluster/{name}/history`: how a cluster was.

use edge::{Error, Response, response};
use fleet::history::Resolution;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::call::Call;
use crate::delivery::{EntityTag, kept};
use crate::errors::from_store;
use crate::model::{AboutOne, Answer, Anywhere, ClusterHistory, SignedIn};
use crate::query_string::parameters;

/// For the OpenAPI document alone.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query, which is read by hand")]
pub(crate) struct HistoryParameters {
    /// `5m`: every five minutes of the last two days. `1h`: every hour of the last ninety days.
    #[param(inline, pattern = "^(5m|1h)$", example = "5m")]
    resolution: Option<String>,
}

/// How a cluster was: health, load, memory, storage, members and instances, and when memory and storage will be full
/// where a trend is clear.
#[utoipa::path(
    get, path = "/1.0/remote-cluster/{name}/history", tag = "clusters",
    params(("name" = String, Path, description = "The cluster's name"), HistoryParameters),
    responses(
        (status = 200, body = Answer<ClusterHistory>),
        (status = 304, description = "The history is what `If-None-Match` names."),
        AboutOne, SignedIn, Anywhere)
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
    Ok(kept(EntityTag::of(&history), response::success(history)))
}

fn resolution(parameters: &[(String, String)]) -> Result<Resolution, Error> {
    let wrong = || Error::BadRequest("the only parameter is resolution; it can be 5m or 1h".to_owned());
    match parameters {
        [] => Ok(Resolution::FiveMinutes),
        [(name, value)] if name == "resolution" => Resolution::from_word(value).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}
