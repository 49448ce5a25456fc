//! `GET /1.0/changes`: what changed, as it happens, so that a page need not poll.
//!
//! Server-sent events (HTML standard, section 9.2). One connection to the database listens for the whole unit. A
//! stream begins with `connected`; whoever reads it fetches what they show once then, and again after `resync`, which
//! says that something may have been missed.

use std::convert::Infallible;
use std::time::Duration;

use edge::{Error, Response};
use fleet::Actor;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use store::database::Change;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use utoipa::IntoParams;
use warp::Reply as _;
use warp::sse::Event;

use crate::change_feed::Told;
use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors};
use api::StreamEvent;

/// A stream says at least this often that it is still there; connections that say nothing are cut.
const STILL_HERE_EVERY: Duration = Duration::from_secs(15);
/// After this it ends, and the browser comes back by itself: with a session that may have ended meanwhile.
const LONGEST: Duration = Duration::from_mins(10);
/// How long an event waits for somebody who reads nothing; then the stream ends.
const LONGEST_STALL: Duration = Duration::from_secs(30);
/// How many events wait.
const WAITING: usize = 16;

/// How a stream may end by itself.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// End after so many events, `connected` included.
    #[param(minimum = 1)]
    max: Option<u32>,
}

/// What changed, as it happens. Events: `connected`; `change` with `{"kind","uid"}`, where kind is `joined`,
/// `removed`, `configured`, `judged`; `reported` with `{"uids":[…]}`, the clusters that sent a heartbeat in the last
/// seconds, or `{"uids":null}` where they are too many to name; `resync`: something may have been missed.
#[utoipa::path(
    get, path = "/1.0/changes", operation_id = "follow_changes", tag = "clusters",
    params(Parameters),
    responses((status = 200, description = "A stream", body = StreamEvent, content_type = "text/event-stream"), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn follow(call: Call) -> Result<Response, Error> {
    let parameters: Parameters = call.query()?;
    if parameters.max == Some(0) {
        return Err(Error::BadRequest("max must be at least 1".to_owned()));
    }
    let actor = call.principal.map_or_else(Actor::unknown, |principal| principal.actor);
    let (told, place) = call.management.changes.subscribe(actor)?;
    let most = parameters.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
    let (sender, receiver) = mpsc::channel(WAITING);
    let draining = call.draining.0;
    tokio::spawn(async move {
        // The place is this task's, not the stream's: who stops reading an open stream loses it all the same.
        let _place = place;
        let told = timeout(LONGEST, tell(told, &sender, most));
        let _ = draining.run_until_cancelled(told).await;
    });
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (Ok::<_, Infallible>(event), receiver))
    });
    Ok(warp::sse::reply(events).into_response())
}

/// Tells `connected`, then all that the unit hears, then nothing more: as many events as are wanted, to whoever takes
/// them.
async fn tell(mut told: broadcast::Receiver<Told>, to: &mpsc::Sender<Event>, most: usize) {
    let mut next = Event::default().event("connected").data("{}");
    let mut left = most - 1;
    while to.send_timeout(next, LONGEST_STALL).await.is_ok() && left > 0 {
        next = match timeout(STILL_HERE_EVERY, told.recv()).await {
            Ok(Err(broadcast::error::RecvError::Closed)) => return,
            Err(_) => Event::default().comment("still here"),
            Ok(what) => {
                left -= 1;
                // Who was too slow is not sent what they missed.
                event(&what.unwrap_or(Told::Resync))
            }
        };
    }
}

fn event(told: &Told) -> Event {
    match told {
        Told::Resync => Event::default().event("resync").data("{}"),
        Told::Reported(uids) => {
            let uids = uids.as_ref().map(|uids| uids.iter().map(ToString::to_string).collect::<Vec<_>>());
            Event::default().event("reported").data(json!({ "uids": uids }).to_string())
        }
        Told::Change(change) => {
            let (kind, uid) = match change {
                Change::Joined(uid) => ("joined", uid),
                Change::Removed(uid) => ("removed", uid),
                Change::Configured(uid) => ("configured", uid),
                Change::HealthChanged(uid) => ("judged", uid),
            };
            Event::default().event("change").data(json!({ "kind": kind, "uid": uid.to_string() }).to_string())
        }
    }
}
