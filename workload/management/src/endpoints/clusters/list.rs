//! `GET /1.0/remote-cluster`: the whole list of clusters, or a page of it.

use std::time::Duration;

use api::{ClusterList, ClusterListParameters, ClusterSummary, Page};
use bytes::Bytes;
use edge::{Error, Response, response};
use fleet::query::{ClusterQuery, Fields};
use fleet::{Cluster, HealthRules, ServiceClock};
use futures_util::stream;
use protocol::envelope::Envelope;
use serde::Serialize;
use sign_in::errors::from_store;
use store::clusters::{Bounded, PageError};
use store::{Store, StoreError};
use tokio::sync::mpsc;
use warp::Reply as _;

use crate::http::call::Call;
use crate::http::delivery::{EntityTag, with_tag};
use crate::http::query_string::parameters;
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// How many clusters one query reads for the whole list.
const CLUSTERS_PER_BATCH: u16 = 200;
/// How many clusters are serialized before other tasks get a turn.
const CLUSTERS_PER_TURN: usize = 20;
/// How many serialized batches wait for a client that reads slowly.
const QUEUED_BATCHES: usize = 1;
/// How long a batch waits for a client that does not read.
const MAX_STALL: Duration = Duration::from_secs(30);

/// The clusters. Without parameters all of them, sorted by name; with any parameter a page.
#[utoipa::path(
    get, path = "/1.0/remote-cluster", operation_id = "list_clusters", tag = "clusters",
    params(ClusterListParameters),
    responses(
        (status = 200, body = Envelope<ClusterList>),
        (status = 304, description = "The page still matches the entity tag in `If-None-Match`."),
        AuthenticationErrors, CommonErrors
    )
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let query = ClusterQuery::parse(&parameters(&call.query)?)
        .map_err(|problem| Error::BadRequest(problem.to_string()))?;
    let (store, rules) = (&call.management.store, call.management.options.health);
    match query {
        Some(query) => page(store, &query, rules).await,
        None => whole_list(store.clone(), rules).await,
    }
}

async fn page(store: &Store, query: &ClusterQuery, rules: HealthRules) -> Result<Response, Error> {
    let page = store.cluster_page(query, &rules).await.map_err(|error| match error {
        PageError::InvalidCursor => Error::BadRequest(
            "cursor does not belong to this list; use the next_cursor of a page with the same filter, sort and order, \
             or leave it out for the first page"
                .to_owned(),
        ),
        PageError::Store(error) => from_store(error),
    })?;
    let (clock, clusters) = (page.clock, &page.clusters);
    let rest = (page.next_cursor, page.total);
    Ok(match query.fields {
        Fields::All => {
            let items = convert(clusters, |cluster| api::Cluster::new(cluster, &rules, &clock)).await;
            page_response(items, rest)
        }
        Fields::Summary => {
            let items = convert(clusters, |cluster| ClusterSummary::new(cluster, &rules, &clock)).await;
            page_response(items, rest)
        }
    })
}

fn page_response(items: Vec<impl Serialize>, (next_cursor, total): (Option<String>, u64)) -> Response {
    // Every page has another cursor, even if it means the same, so the cursor itself is not part of the tag.
    let tag = EntityTag::of(&(&items, total, next_cursor.is_some()));
    with_tag(tag, response::success(Page { items, next_cursor, total }))
}

async fn convert<T>(clusters: &[Cluster], convert: impl Fn(&Cluster) -> T) -> Vec<T> {
    let mut items = Vec::with_capacity(clusters.len());
    for chunk in clusters.chunks(CLUSTERS_PER_TURN) {
        items.extend(chunk.iter().map(&convert));
        tokio::task::yield_now().await;
    }
    items
}

/// The whole list, written while it is read, so that only a few batches are in memory at a time.
///
/// It has no entity tag: the tag would have to be known before the list is read. In a fleet that is large enough to
/// profit from one, the list changes every second.
async fn whole_list(store: Store, rules: HealthRules) -> Result<Response, Error> {
    let mut response = response::success(());
    let empty = Envelope::success(());
    let envelope = serde_json::to_string(&empty).map_err(Error::internal)?;
    let beginning = envelope
        .strip_suffix("null}")
        .ok_or_else(|| Error::internal("the metadata is not the envelope's last key"))?;
    // A failure before the first batch is still an ordinary error.
    let first = batch(&store, "", CLUSTERS_PER_BATCH).await.map_err(from_store)?;
    let (sender, receiver) = mpsc::channel(QUEUED_BATCHES);
    let beginning = format!("{beginning}[").into_bytes();
    tokio::spawn(async move {
        if let Err(error) = write_all(&store, rules, first, beginning, &sender).await {
            tracing::warn!(%error, "cannot finish the list of clusters");
            // This closes the connection, so that the client does not take a part for the whole.
            let _ = sender.send_timeout(Err(error), MAX_STALL).await;
        }
    });
    let batches = stream::unfold(receiver, |mut receiver: mpsc::Receiver<Result<Bytes, StoreError>>| async {
        receiver.recv().await.map(|batch| (batch, receiver))
    });
    *response.body_mut() = warp::reply::stream(batches).into_response().into_body();
    Ok(response)
}

type Batch = (ServiceClock, Bounded);

async fn batch(store: &Store, after: &str, max: u16) -> Result<Batch, StoreError> {
    // The clock first: a cluster that reports between the two queries is fresh.
    let clock = store.service_clock().await?;
    Ok((clock, store.clusters_after(after, max).await?))
}

/// Writes batch after batch until there are no more, or the client stops reading.
async fn write_all(
    store: &Store,
    rules: HealthRules,
    first: Batch,
    mut text: Vec<u8>,
    sender: &mpsc::Sender<Result<Bytes, StoreError>>,
) -> Result<(), StoreError> {
    let (mut clock, mut read) = first;
    let mut is_first = true;
    while let Some(last) = read.clusters.last().map(|cluster| cluster.name.to_string()) {
        let clusters = &read.clusters;
        // The database reads all that it is asked for: no more than will fit.
        let fits = u16::try_from(clusters.len()).unwrap_or(CLUSTERS_PER_BATCH);
        let max = if read.is_cut { fits } else { CLUSTERS_PER_BATCH.min(fits.saturating_mul(2)) };
        // The database reads the next batch while this one is written.
        let writing = async {
            for chunk in clusters.chunks(CLUSTERS_PER_TURN) {
                for cluster in chunk {
                    if !std::mem::take(&mut is_first) {
                        text.push(b',');
                    }
                    // Texts, numbers and times always serialize.
                    let _ = serde_json::to_writer(&mut text, &api::Cluster::new(cluster, &rules, &clock));
                }
                tokio::task::yield_now().await;
            }
        };
        let (next, ()) = futures_util::future::join(batch(store, &last, max), writing).await;
        let size = text.len();
        let written = std::mem::replace(&mut text, Vec::with_capacity(size));
        if sender.send_timeout(Ok(written.into()), MAX_STALL).await.is_err() {
            return Ok(());
        }
        (clock, read) = next?;
    }
    text.extend_from_slice(b"]}");
    let _ = sender.send_timeout(Ok(text.into()), MAX_STALL).await;
    Ok(())
}
