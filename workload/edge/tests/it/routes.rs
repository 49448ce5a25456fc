//! The routes of the test's server: one for each case.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use edge::{ClientCertificate, ClientKey, Draining, Peer, Response};
use edge::{body, respond, response};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::Notify;
use warp::filters::BoxedFilter;
use warp::{Filter as _, Reply as _};

use crate::harness::MAX_BODY_BYTES;

/// The length of `GET /document`, which is the same memory every time.
pub(crate) const DOCUMENT_BYTES: usize = 600_000;

pub(crate) fn some_routes(started: &Arc<Notify>, finish: &Arc<Notify>) -> BoxedFilter<(Response,)> {
    let (started, finish) = (Arc::clone(started), Arc::clone(finish));
    let slow = move || {
        let (started, finish) = (Arc::clone(&started), Arc::clone(&finish));
        async move {
            started.notify_one();
            finish.notified().await;
            response::success("slow")
        }
    };
    let document = Bytes::from(vec![b'x'; DOCUMENT_BYTES]);
    edge::routes(vec![
        warp::path!("document")
            .and(warp::get())
            .map(move || response::shared("text/plain", document.clone()))
            .boxed(),
        warp::path!("own" / usize).and(warp::get()).map(|bytes| response::success("x".repeat(bytes))).boxed(),
        warp::path!("events").and(warp::get()).map(events).boxed(),
        warp::path!("known" / u64).and(warp::get()).and(warp::ext::get()).map(known).boxed(),
        warp::path!("peer")
            .and(warp::get())
            .and(warp::ext::get())
            .map(|peer| response::success(describe(&peer)))
            .boxed(),
        warp::path!("any").map(|| response::success("any")).boxed(),
        warp::path!("empty").map(Response::default).boxed(),
        warp::path!("slow").and(warp::get()).then(slow).boxed(),
        warp::path!("never").and(warp::any()).then(std::future::pending::<Response>).boxed(),
        warp::path!("body").and(warp::post()).and(body::incoming()).then(take_body).boxed(),
        warp::path!("json").and(warp::post()).and(body::incoming()).then(take_json).boxed(),
        warp::path!("refuse").and(warp::post()).map(|| edge::Error::Forbidden.into_response()).boxed(),
        warp::path!("panic").map(|| -> Response { panic!("on purpose") }).boxed(),
        warp::path!("fail").map(|| edge::Error::internal("a secret detail").into_response()).boxed(),
        warp::path!("socket").and(warp::ws()).and(warp::ext::get()).map(upgrade).boxed(),
    ])
}

/// The caller is the client with this number.
fn known(client: u64, peer: Peer) -> Response {
    respond(peer.authenticated_as(ClientKey::of(&client)).map(|()| response::success(client)))
}

/// An event every 10 ms, without an end.
fn events() -> Response {
    let events = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Ok::<_, Infallible>(warp::sse::Event::default().data("x")), ()))
    });
    warp::sse::reply(events).into_response()
}

fn describe(peer: &Peer) -> String {
    let certificate = match &peer.certificate {
        ClientCertificate::None => "none".to_owned(),
        ClientCertificate::One { fingerprint, .. } => fingerprint.to_string(),
        ClientCertificate::Several => "several".to_owned(),
    };
    format!("{} {certificate}", peer.address)
}

async fn take_body(body: body::RequestBody) -> Response {
    respond(body.read(MAX_BODY_BYTES).await.map(|bytes: Bytes| response::success(bytes.len())))
}

async fn take_json(body: body::RequestBody) -> Response {
    respond(body.json::<Vec<u32>>(MAX_BODY_BYTES).await.map(response::success))
}

/// Echoes messages until the server drains, then closes the websocket.
fn upgrade(upgrade: warp::ws::Ws, draining: Draining) -> Response {
    let socket = upgrade.on_upgrade(async move |mut socket| {
        while let Some(Some(Ok(message))) = draining.0.run_until_cancelled(socket.next()).await {
            let _ = socket.send(message).await;
        }
        let _ = socket.close().await;
    });
    warp::Reply::into_response(socket)
}
