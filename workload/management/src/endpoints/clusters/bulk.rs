//! `POST /1.0/remote-cluster-bulk`: many clusters configured or removed by one request, with an answer for each.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use edge::{Error, Response, response};
use fleet::Origin;
use fleet::query::ClusterFilter;
use futures_util::stream::{self, StreamExt as _};

use crate::Management;
use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, BodyErrors, CommonErrors};
use api::{BulkAction, BulkRequest, BulkResult};
use protocol::envelope::Envelope;
use sign_in::errors::from_store;

/// How many clusters one request may be about.
pub(crate) const MAX_CLUSTERS: usize = 10_000;
/// What is not done by then is left: an answer must come while somebody still waits for it.
const LONGEST: Duration = Duration::from_secs(45);
/// How many are worked on at once: a part of the pool, so that nobody else waits.
const AT_ONCE: usize = 4;

/// Configures or removes many clusters. Each is a change of its own: what fails for one leaves the others done.
#[utoipa::path(
    post, path = "/1.0/remote-cluster-bulk", operation_id = "act_on_clusters", tag = "clusters",
    request_body = BulkRequest,
    responses((status = 200, body = Envelope<Vec<BulkResult>>), AuthenticationErrors, CommonErrors, BodyErrors)
)]
pub(crate) async fn act(call: Call) -> Result<Response, Error> {
    let (management, origin) = (call.management.clone(), call.origin());
    let request: BulkRequest = call.json().await?;
    let names = chosen(&management, &request).await?;
    let work = Work::check(request.action, request.change)?;
    let until = Instant::now() + LONGEST;
    let results =
        stream::iter(names).map(|name| work.run(&management, name, &origin, until)).buffered(AT_ONCE);
    let mut results: Vec<BulkResult> = results.collect().await;
    // What the database cannot do for any of them it cannot do for the request.
    if !results.is_empty() && results.iter().all(|result| result.status_code == 503) {
        return Err(Error::unavailable("the database was away for all of them"));
    }
    if request.only_failures {
        results.retain(|result| result.status_code != 200);
    }
    Ok(response::success(results))
}

/// Which clusters the request is about, each once, in the order given.
async fn chosen(management: &Management, request: &BulkRequest) -> Result<Vec<String>, Error> {
    let names = match (&request.names, &request.filter) {
        (Some(names), None) => distinct(names),
        (None, Some(filter)) => {
            let filter = filter.clone().validated();
            let filter = filter.map_err(|error| Error::BadRequest(error.to_string()))?;
            matching(management, &filter, request.action).await?
        }
        _ => return Err(Error::BadRequest("either names or filter is needed".to_owned())),
    };
    if names.len() > MAX_CLUSTERS {
        return Err(Error::BadRequest(format!("one request may be about {MAX_CLUSTERS} clusters at most")));
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
        return Err(Error::BadRequest("an empty filter would remove every cluster: name them".to_owned()));
    }
    let rules = &management.options.health;
    let names = management.store.cluster_names_matching(filter, rules, MAX_CLUSTERS + 1).await;
    Ok(names.map_err(from_store)?.into_iter().map(String::from).collect())
}

/// What is to be done to each.
enum Work {
    Configure(fleet::ClusterChange),
    Remove,
}

impl Work {
    fn check(action: BulkAction, change: Option<api::ClusterChange>) -> Result<Self, Error> {
        match (action, change) {
            (BulkAction::Configure, Some(change)) => {
                Ok(Self::Configure(change.check().map_err(|error| Error::BadRequest(error.to_string()))?))
            }
            (BulkAction::Configure, None) => Err(Error::BadRequest("configure needs a change".to_owned())),
            (BulkAction::Remove, None) => Ok(Self::Remove),
            (BulkAction::Remove, Some(_)) => Err(Error::BadRequest("remove takes no change".to_owned())),
        }
    }

    async fn run(
        &self,
        management: &Management,
        name: String,
        origin: &Origin,
        until: Instant,
    ) -> BulkResult {
        if Instant::now() > until {
            let error = "not done: the request took too long; ask again for the rest".to_owned();
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
                    tracing::warn!(name, cause, "one of many changes could not be made");
                }
                BulkResult { name, status_code: error.status().as_u16(), error: error.to_string() }
            }
        }
    }
}
