//! `POST /1.0/remote-cluster-bulk`: one request that configures or removes many clusters.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::{BulkAction, BulkRequest, BulkResult};
use edge::{Error, Response, response};
use fleet::Origin;
use fleet::query::ClusterFilter;
use futures_util::stream::{self, StreamExt as _};
use protocol::envelope::Envelope;
use sign_in::errors::from_store;

use crate::Management;
use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, BodyErrors, CommonErrors};

/// How many clusters one request can select.
pub(crate) const MAX_CLUSTERS: usize = 10_000;
/// How long one request can work. The rest is left undone, so that the response arrives before the client gives up.
const MAX_DURATION: Duration = Duration::from_secs(45);
/// How many clusters are changed concurrently. Few, so that connections to the database remain for other requests.
const CONCURRENT_CHANGES: usize = 4;

/// Configures or removes many clusters. Each cluster is changed separately: a failure for one does not undo the others.
#[utoipa::path(
    post, path = "/1.0/remote-cluster-bulk", operation_id = "act_on_clusters", tag = "clusters",
    request_body = BulkRequest,
    responses((status = 200, body = Envelope<Vec<BulkResult>>), AuthenticationErrors, CommonErrors, BodyErrors)
)]
pub(crate) async fn act(call: Call) -> Result<Response, Error> {
    let (management, origin) = (call.management.clone(), call.origin());
    let request: BulkRequest = call.json().await?;
    let names = selected(&management, &request).await?;
    let work = Work::check(request.action, request.change)?;
    let deadline = Instant::now() + MAX_DURATION;
    let results = stream::iter(names)
        .map(|name| work.run(&management, name, &origin, deadline))
        .buffered(CONCURRENT_CHANGES);
    let mut results: Vec<BulkResult> = results.collect().await;
    // If the database is unavailable for every cluster, it is unavailable for the request.
    if !results.is_empty() && results.iter().all(|result| result.status_code == 503) {
        return Err(Error::unavailable("the database was unavailable for every cluster of a bulk request"));
    }
    if request.only_failures {
        results.retain(|result| result.status_code != 200);
    }
    Ok(response::success(results))
}

/// The clusters that the request selects, each once, in the order given.
async fn selected(management: &Management, request: &BulkRequest) -> Result<Vec<String>, Error> {
    let names = match (&request.names, &request.filter) {
        (Some(names), None) => distinct(names),
        (None, Some(filter)) => {
            let filter = filter.clone().validated();
            let filter = filter.map_err(|error| Error::BadRequest(error.to_string()))?;
            matching(management, &filter, request.action).await?
        }
        _ => return Err(Error::BadRequest("exactly one of names and filter is required".to_owned())),
    };
    if names.len() > MAX_CLUSTERS {
        return Err(Error::BadRequest(format!("one request can select at most {MAX_CLUSTERS} clusters")));
    }
    Ok(names)
}

fn distinct(names: &[String]) -> Vec<String> {
    let mut known = HashSet::new();
    names.iter().filter(|name| known.insert(name.as_str())).cloned().collect()
}

async fn matching(
    management: &Management,
    filter: &ClusterFilter,
    action: BulkAction,
) -> Result<Vec<String>, Error> {
    if action == BulkAction::Remove && *filter == ClusterFilter::default() {
        return Err(Error::BadRequest(
            "an empty filter would remove every cluster; name the clusters instead".to_owned(),
        ));
    }
    let rules = &management.options.health;
    let names = management.store.cluster_names_matching(filter, rules, MAX_CLUSTERS + 1).await;
    Ok(names.map_err(from_store)?.into_iter().map(String::from).collect())
}

/// The action on each cluster.
enum Work {
    Configure(fleet::ClusterChange),
    Remove,
}

impl Work {
    fn check(action: BulkAction, change: Option<api::ClusterChange>) -> Result<Self, Error> {
        match (action, change) {
            (BulkAction::Configure, Some(change)) => {
                let change = change.check().map_err(|error| Error::BadRequest(error.to_string()))?;
                Ok(Self::Configure(change))
            }
            (BulkAction::Configure, None) => Err(Error::BadRequest("configure requires a change".to_owned())),
            (BulkAction::Remove, None) => Ok(Self::Remove),
            (BulkAction::Remove, Some(_)) => Err(Error::BadRequest("remove takes no change".to_owned())),
        }
    }

    async fn run(
        &self,
        management: &Management,
        name: String,
        origin: &Origin,
        deadline: Instant,
    ) -> BulkResult {
        if Instant::now() > deadline {
            let error =
                "not processed: the request took too long; repeat it for the other clusters".to_owned();
            return BulkResult { name, status_code: 503, error };
        }
        let outcome = match self {
            Self::Configure(change) => management.store.configure_cluster(&name, change, origin).await,
            Self::Remove => management.store.remove_cluster(&name, origin).await,
        };
        let outcome = match outcome {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::NotFound),
            Err(error) => Err(from_store(error)),
        };
        match outcome {
            Ok(()) => BulkResult { name, status_code: 200, error: String::new() },
            Err(error) => {
                if let Some(cause) = std::error::Error::source(&error) {
                    tracing::warn!(name, cause, "cannot change one cluster of a bulk request");
                }
                BulkResult { name, status_code: error.status().as_u16(), error: error.to_string() }
            }
        }
    }
}
