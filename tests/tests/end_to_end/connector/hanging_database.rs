//! A database that accepts connections and never responds: clusters have no timeout of their own (contract 1.1).

use std::time::{Duration, Instant};

use agent::client::{ClusterClient, Identity, Proof, Request};
use harness::hub::{UNLIMITED, keys};
use harness::{DatabaseGate, Hub};
use http::Method;
use store::testing::empty_database;

use super::{CLUSTER, HEARTBEAT, direct, join, text};

/// Longer than the longest deadline, and much shorter than the server's limit of 60 s for a request.
const LIMIT: Duration = Duration::from_secs(25);

async fn hub_behind_a_gate() -> (Hub, DatabaseGate) {
    let gate = DatabaseGate::start(&empty_database().await.unwrap()).await;
    let mut hub = Hub::without_units(gate.database(), &UNLIMITED);
    hub.add_unit().await;
    (hub, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_responds_while_the_database_hangs_and_works_again_afterwards() {
    let (hub, gate) = hub_behind_a_gate().await;
    let (site, leaving) = (hub.enrol("a").await, hub.enrol("leaving").await);
    let token = hub.token("newcomer");
    let newcomer = ClusterClient::from_token(&token, keys("newcomer")).unwrap();
    let stranger = hub.cluster_without_token("stranger");
    gate.close();
    let of = |site: &ClusterClient| site.keys.identity();
    let join_request = newcomer.join_request(&token, Proof::Token).unwrap();
    let calls = [
        (Method::GET, "/", Identity::None, 200, 2),
        (Method::HEAD, "/", Identity::None, 200, 2),
        (Method::GET, "/nowhere", Identity::None, 404, 2),
        (Method::POST, HEARTBEAT, Identity::None, 403, 2),
        (Method::POST, HEARTBEAT, of(&stranger), 503, 25),
        (Method::GET, "/1.0/remote-cluster/ws", of(&stranger), 503, 15),
        (Method::DELETE, CLUSTER, of(&leaving), 503, 15),
    ]
    .map(async |(method, path, identity, status, seconds)| {
        let began = Instant::now();
        let response = direct(&hub, method.clone(), path, identity).await.unwrap();
        assert_eq!(response.status, status, "{method} {path}");
        assert_eq!(response.headers.contains_key("retry-after"), status == 503, "{method} {path}");
        assert!(began.elapsed() < Duration::from_secs(seconds), "{method} {path}: {:?}", began.elapsed());
    });
    let with_bodies = async {
        let began = Instant::now();
        // More than fit into a batch or the pool.
        let heartbeats = (0..30).map(|_| site.exchange(Request::new(Method::POST, HEARTBEAT, "{}")));
        let all = tokio::join!(futures_util::future::join_all(heartbeats), newcomer.exchange(join_request));
        let statuses = all.0.into_iter().chain([all.1]).map(|response| response.unwrap().response.status);
        assert!(statuses.into_iter().all(|status| status == 503));
        assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    };
    // Readiness is checked once a second for all callers, so it may be that of a moment ago.
    let not_ready = async || {
        let began = Instant::now();
        let response = direct(&hub, Method::GET, "/1.0/status", Identity::None).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(6), "GET /1.0/status: {:?}", began.elapsed());
        response.status == 503 && response.headers.contains_key("retry-after")
    };
    let readiness = harness::wait::until("the unit is not ready", Duration::from_secs(10), not_ready);
    tokio::join!(futures_util::future::join_all(calls), with_bodies, readiness);

    gate.open();
    let works = async || site.heartbeat("{}").await.is_ok();
    harness::wait::until("heartbeats are stored again", Duration::from_secs(30), works).await;
    // What was cut has left nothing behind.
    assert_eq!(text(&join(&newcomer, &token).await), "200 ");
    agent::client::leave(&leaving).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn join_that_was_committed_after_its_503_is_answered_when_it_is_repeated() {
    let (hub, gate) = hub_behind_a_gate().await;
    let (token, other_token) = (hub.token("a"), hub.token("b"));
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    gate.close_behind_commit_of(b"cluster.joined");
    let began = Instant::now();
    assert_eq!(text(&join(&site, &token).await), "503 Service Unavailable");
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    gate.open();
    let joined = async || text(&join(&site, &token).await) == "200 ";
    harness::wait::until("the cluster learns that it joined", Duration::from_secs(10), joined).await;
    site.heartbeat("{}").await.unwrap();
    // Nobody else profits: the token is used up, and other joins are what they were.
    let thief = ClusterClient::from_token(&token, keys("thief")).unwrap();
    assert_eq!(text(&join(&thief, &token).await), "403 Forbidden");
    let other = ClusterClient::from_token(&other_token, keys("b")).unwrap();
    assert_eq!(text(&join(&other, &other_token).await), "200 ");
    assert_eq!(text(&join(&other, &other_token).await), "403 Forbidden");
    // A cluster that was removed meanwhile has not joined.
    assert_eq!(hub.cli(["cluster", "remove", "a", "--yes"]).code, Some(0));
    assert_eq!(text(&join(&site, &token).await), "403 Forbidden");
}
