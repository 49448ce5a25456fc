//! `GET /1.0/remote-cluster`: the clusters, all of them as it always was, or a page of those that are asked for.

use std::time::Duration;

use bytes::Bytes;
use edge::{Error, Response, response};
use fleet::query::{ClusterQuery, Fields};
use fleet::{Cluster, HealthRules, ServiceClock};
use futures_util::stream;
use protocol::envelope::Envelope;
use serde::Serialize;
use store::clusters::PageError;
use store::{Store, StoreError};
use tokio::sync::mpsc;
use warp::Reply as _;

use crate::http::call::Call;
use crate::http::delivery::{EntityTag, with_tag};
use crate::http::query_string::parameters;
use crate::http::responses::{AuthenticationErrors, CommonErrors};
use api::{ClusterList, ClusterListParameters, ClusterSummary, Page};
use sign_in::errors::from_store;

/// How many clusters of the whole list are read at a time.
const PIECE: u16 = 200;
/// How many are written before other requests get a turn.
const AT_ONCE: usize = 20;
/// How many pieces wait for a client that reads slowly.
const WAITING: usize = 1;
/// How long a piece waits for somebody who takes nothing.
const LONGEST_STALL: Duration = Duration::from_secs(30);

/// The clusters. Without a parameter all of them, sorted by name; with any, a page.
#[utoipa::path(get, path = "/1.0/remote-cluster", operation_id = "list_clusters", tag = "clusters", params(ClusterListParameters), responses(
    (status = 200, body = Envelope<ClusterList>),
    (status = 304, description = "The page is what `If-None-Match` names."),
    AuthenticationErrors, CommonErrors))]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let query = ClusterQuery::parse(&parameters(&call.query)?)
        .map_err(|problem| Error::BadRequest(problem.to_string()))?;
    let (store, rules) = (&call.management.store, call.management.options.health);
    match query {
        Some(query) => page(store, &query, rules).await,
        None => whole(store.clone(), rules).await,
    }
}

async fn page(store: &Store, query: &ClusterQuery, rules: HealthRules) -> Result<Response, Error> {
    let page = store.cluster_page(query, &rules).await.map_err(|error| match error {
        PageError::InvalidCursor => Error::BadRequest(
            "cursor is not one of this list; it can be the next_cursor of a page with the same filter, sort and \
             order, or be left out for the first page"
                .to_owned(),
        ),
        PageError::Store(error) => from_store(error),
    })?;
    let (clock, clusters) = (page.clock, &page.clusters);
    let rest = (page.next_cursor, page.total);
    Ok(match query.fields {
        Fields::All => {
            answered(written(clusters, |cluster| api::Cluster::new(cluster, &rules, &clock)).await, rest)
        }
        Fields::Summary => {
            answered(written(clusters, |cluster| ClusterSummary::new(cluster, &rules, &clock)).await, rest)
        }
    })
}

fn answered(items: Vec<impl Serialize>, (next_cursor, total): (Option<String>, u64)) -> Response {
    // No two cursors are the same, though they mean the same: which of them a client has is no news.
    let tag = EntityTag::of(&(&items, total, next_cursor.is_some()));
    with_tag(tag, response::success(Page { items, next_cursor, total }))
}

async fn written<T>(clusters: &[Cluster], write: impl Fn(&Cluster) -> T) -> Vec<T> {
    let mut items = Vec::with_capacity(clusters.len());
    for some in clusters.chunks(AT_ONCE) {
        items.extend(some.iter().map(&write));
        tokio::task::yield_now().await;
    }
    items
}

/// The whole list, written while it is read: there is never more of it in memory than a few pieces.
///
/// It has no entity tag. Its end is not known when its head goes out; and of a fleet that is worth it, no two lists a
/// second apart are the same.
async fn whole(store: Store, rules: HealthRules) -> Result<Response, Error> {
    let mut response = response::success(());
    let empty = Envelope::success(());
    let envelope = serde_json::to_string(&empty).map_err(Error::internal)?;
    let beginning = envelope
        .strip_suffix("null}")
        .ok_or_else(|| Error::internal("the metadata is not the envelope's last key"))?;
    // What goes wrong before the first piece is still an ordinary error.
    let first = piece(&store, "").await.map_err(from_store)?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let beginning = format!("{beginning}[").into_bytes();
    tokio::spawn(async move {
        if let Err(error) = write_all(&store, rules, first, beginning, &sender).await {
            tracing::warn!(%error, "the list of clusters broke off");
            // The connection is cut, so that nobody takes the part for the whole.
            let _ = sender.send_timeout(Err(error), LONGEST_STALL).await;
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver: mpsc::Receiver<Result<Bytes, StoreError>>| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    *response.body_mut() = warp::reply::stream(pieces).into_response().into_body();
    Ok(response)
}

type Piece = (ServiceClock, Vec<Cluster>);

async fn piece(store: &Store, after: &str) -> Result<Piece, StoreError> {
    // The clock first: who is heard in between is fresh.
    let clock = store.service_clock().await?;
    Ok((clock, store.clusters_after(after, PIECE).await?))
}

/// Writes piece after piece until there are no more, or nobody reads them.
async fn write_all(
    store: &Store,
    rules: HealthRules,
    first: Piece,
    mut text: Vec<u8>,
    sender: &mpsc::Sender<Result<Bytes, StoreError>>,
) -> Result<(), StoreError> {
    let (mut clock, mut clusters) = first;
    let mut is_first = true;
    while let Some(last) = clusters.last().map(|cluster| cluster.name.to_string()) {
        // While these are written, the database looks for the next.
        let writing = async {
            for some in clusters.chunks(AT_ONCE) {
                for cluster in some {
                    if !std::mem::take(&mut is_first) {
                        text.push(b',');
                    }
                    // Texts, numbers and times always serialize.
                    let _ = serde_json::to_writer(&mut text, &api::Cluster::new(cluster, &rules, &clock));
                }
                tokio::task::yield_now().await;
            }
        };
        let (next, ()) = futures_util::future::join(piece(store, &last), writing).await;
        let room = text.len();
        let written = std::mem::replace(&mut text, Vec::with_capacity(room));
        // Who takes nothing for so long is not given the rest.
        if sender.send_timeout(Ok(written.into()), LONGEST_STALL).await.is_err() {
            return Ok(());
        }
        (clock, clusters) = next?;
    }
    text.extend_from_slice(b"]}");
    let _ = sender.send_timeout(Ok(text.into()), LONGEST_STALL).await;
    Ok(())
}
