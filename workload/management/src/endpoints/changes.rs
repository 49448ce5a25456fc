//! `GET /1.0/changes`: a stream of changes, so that a page need not poll.
//!
//! The stream consists of server-sent events (HTML standard, section 9.2). One connection to the database listens for
//! all streams of a unit. A stream begins with `connected`. A client fetches what it shows at that point, and again
//! after `resync`, which says that events may have been missed.

use std::convert::Infallible;
use std::time::Duration;

use api::known::{ChangeKind, StreamEventKind};
use api::{ClusterChanged, ClustersReported, StreamEvent};
use edge::{Error, Response};
use fleet::CredentialId;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use store::Store;
use store::database::Change;
use time::OffsetDateTime;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use utoipa::IntoParams;
use warp::Reply as _;
use warp::sse::Event;

use crate::change_feed::Update;
use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// The longest silence of a stream before it sends a comment. Proxies close silent connections.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// How long a stream lasts. A browser then reconnects automatically, and its session is checked again.
const MAX_STREAM_DURATION: Duration = Duration::from_mins(10);
/// How long an event waits for a client that does not read. Then the stream ends.
const MAX_STALL: Duration = Duration::from_secs(30);
/// How many events wait for a slow client.
const QUEUED_EVENTS: usize = 16;

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The number of events after which the stream ends, including `connected`.
    #[param(minimum = 1)]
    max: Option<u32>,
}

/// A stream of changes. It begins with `connected`. `change` says that a cluster joined, was removed, was configured, or
/// that its health or warnings changed. `reported` lists the clusters that sent a heartbeat in the last seconds.
/// `resync` says that events may have been missed.
#[utoipa::path(
    get, path = "/1.0/changes", operation_id = "follow_changes", tag = "clusters",
    params(Parameters),
    responses(
        (status = 200, description = "A stream of events", body = StreamEvent, content_type = "text/event-stream"),
        AuthenticationErrors, CommonErrors
    )
)]
pub(crate) async fn follow(call: Call) -> Result<Response, Error> {
    let parameters: Parameters = call.query()?;
    if parameters.max == Some(0) {
        return Err(Error::BadRequest("max must be at least 1".to_owned()));
    }
    let caller = call.principal.ok_or(Error::Unauthorized)?;
    let (updates, slot) = call.management.changes.subscribe(caller.actor)?;
    let access = Access { credential: caller.credential, store: call.management.store.clone() };
    let duration = duration_until(caller.valid_until);
    let max_events = parameters.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
    let (sender, receiver) = mpsc::channel(QUEUED_EVENTS);
    let draining = call.draining.0;
    tokio::spawn(async move {
        // The task owns the slot, not the response: a client that keeps the stream open without reading loses it too.
        let _slot = slot;
        let ended = access.ended(updates.resubscribe());
        let sending = timeout(duration, send_events(updates, &sender, max_events));
        tokio::select! {
            () = ended => {}
            _ = draining.run_until_cancelled(sending) => {}
        }
    });
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (Ok::<_, Infallible>(event), receiver))
    });
    Ok(warp::sse::reply(events).into_response())
}

/// How long a stream lasts whose caller's role counts until then.
fn duration_until(valid_until: OffsetDateTime) -> Duration {
    let left = valid_until - OffsetDateTime::now_utc();
    MAX_STREAM_DURATION.min(left.try_into().unwrap_or_default())
}

/// What the caller of a stream presented.
struct Access {
    credential: Option<CredentialId>,
    store: Store,
}

impl Access {
    /// Returns when the session or the service account has ended.
    async fn ended(self, mut updates: broadcast::Receiver<Update>) {
        // It may have ended between the caller's authentication and the subscription.
        let mut may_have_ended = true;
        let Some(credential) = self.credential else { return std::future::pending().await };
        loop {
            // If the database cannot tell, the client reconnects, and is authenticated again.
            if may_have_ended && !self.store.credential_exists(credential).await.unwrap_or(false) {
                return;
            }
            may_have_ended = match updates.recv().await {
                Ok(Update::Change(Change::CredentialEnded(ended))) if ended == credential => return,
                Ok(Update::Change(_) | Update::Reported(_)) => false,
                // Notices may have been missed.
                Ok(Update::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => true,
                Err(broadcast::error::RecvError::Closed) => return,
            };
        }
    }
}

/// Sends `connected` and then every update, until `max_events` are sent or the client stops reading.
async fn send_events(
    mut updates: broadcast::Receiver<Update>,
    client: &mpsc::Sender<Event>,
    max_events: usize,
) {
    let mut next = event(StreamEventKind::Connected, &NoData {});
    let mut left = max_events - 1;
    while client.send_timeout(next, MAX_STALL).await.is_ok() && left > 0 {
        next = match timeout(KEEP_ALIVE_INTERVAL, updates.recv()).await {
            Ok(Err(broadcast::error::RecvError::Closed)) => return,
            Err(_) => Event::default().comment("keep-alive"),
            // A client that lagged behind does not get the updates that it missed.
            Ok(update) => match event_of(&update.unwrap_or(Update::Resync)) {
                Some(event) => {
                    left -= 1;
                    event
                }
                None => Event::default().comment("keep-alive"),
            },
        };
    }
}

#[derive(Serialize)]
struct NoData {}

/// `None`: it is nothing for clients.
fn event_of(update: &Update) -> Option<Event> {
    let change = match update {
        Update::Resync => return Some(event(StreamEventKind::Resync, &NoData {})),
        Update::Reported(uids) => {
            let uids = uids.as_ref().map(|uids| uids.iter().map(ToString::to_string).collect());
            return Some(event(StreamEventKind::Reported, &ClustersReported { uids }));
        }
        Update::Change(change) => change,
    };
    let (kind, uid) = match change {
        Change::Joined(uid) => (ChangeKind::Joined, uid),
        Change::Removed(uid) => (ChangeKind::Removed, uid),
        Change::Configured(uid) => (ChangeKind::Configured, uid),
        Change::HealthChanged(uid) => (ChangeKind::Judged, uid),
        Change::CredentialEnded(_) => return None,
    };
    Some(event(StreamEventKind::Change, &ClusterChanged { kind: kind.into(), uid: uid.to_string() }))
}

fn event(kind: StreamEventKind, data: &impl Serialize) -> Event {
    // Texts always serialize.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(kind.as_str()).data(data)
}
