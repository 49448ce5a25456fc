//! `GET /1.0/changes`: what changed, as it happens, so that a page need not poll.
//!
//! Server-sent events (HTML standard, section 9.2). One connection to the database listens for the whole unit. A
//! stream begins with `connected`; whoever reads it fetches what they show once then, and again after `resync`, which
//! says that something may have been missed.

use std::convert::Infallible;
use std::time::Duration;

use edge::{Error, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use store::changes::Change;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;
use warp::Reply as _;
use warp::sse::Event;

use crate::call::Call;
use crate::change_feed::Told;
use crate::model::{Anywhere, SignedIn, StreamEvent};

/// A stream says at least this often that it is still there; connections that say nothing are cut.
const STILL_HERE_EVERY: Duration = Duration::from_secs(15);
/// After this it ends, and the browser comes back by itself: with a session that may have ended meanwhile.
const LONGEST: Duration = Duration::from_mins(10);

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
    get, path = "/1.0/changes", tag = "clusters",
    params(Parameters),
    responses((status = 200, description = "A stream", body = StreamEvent, content_type = "text/event-stream"), SignedIn, Anywhere)
)]
pub(crate) async fn follow(call: Call) -> Result<Response, Error> {
    let parameters: Parameters = call.query()?;
    if parameters.max == Some(0) {
        return Err(Error::BadRequest("max must be at least 1".to_owned()));
    }
    let (told, place) = call.management.changes.subscribe()?;
    let draining = call.draining.0;
    let until = Instant::now() + LONGEST;
    let events = events(told, place)
        .take(parameters.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX)))
        .take_until(async move {
            tokio::select! {
                () = sleep_until(until) => {}
                () = draining.cancelled_owned() => {}
            }
        });
    let kept_alive = warp::sse::keep_alive().interval(STILL_HERE_EVERY).text("still here");
    Ok(warp::sse::reply(kept_alive.stream(events)).into_response())
}

/// `connected`, then all that the unit hears.
fn events(
    told: broadcast::Receiver<Told>,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let connected = Ok(Event::default().event("connected").data("{}"));
    let told = stream::unfold((told, place), |(mut told, place)| async move {
        let what = match told.recv().await {
            Ok(what) => what,
            // Too slow: what was missed is not sent again.
            Err(broadcast::error::RecvError::Lagged(_)) => Told::Resync,
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        Some((Ok(event(&what)), (told, place)))
    });
    stream::iter([connected]).chain(told)
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
                Change::Judged(uid) => ("judged", uid),
            };
            Event::default().event("change").data(json!({ "kind": kind, "uid": uid.to_string() }).to_string())
        }
    }
}
