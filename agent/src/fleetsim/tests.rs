//! Tests of whole simulations against a fake hub.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::testing::{FakeHub, Leaf, accept_json, forbid};

fn options(hub: &FakeHub, clusters: usize) -> Options {
    Options {
        tokens: (0..clusters).map(|n| hub.token(&format!("cluster-{n}"))).collect(),
        duration: Duration::from_millis(500),
        rate: Some(40.0),
        ..Options::default()
    }
}

#[tokio::test]
async fn clusters_join_and_send_heartbeats_at_the_given_rate() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let report = run(options(&hub, 5)).await.unwrap();
    assert_eq!((report.clusters, report.joined, report.errors()), (5, 5, 0));
    assert_eq!(report.heartbeats + report.overlaps + report.unsent, 20);
    assert!(report.from_due.p50_ms >= report.call.p50_ms);
}

#[tokio::test]
async fn stored_clusters_do_not_join_again_and_keep_their_certificates() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let folder = tempfile::tempdir().unwrap();
    let first = Options { state: Some(folder.path().join("fleet")), join_only: true, ..options(&hub, 4) };
    assert_eq!(run(first.clone()).await.unwrap().joined, 4);
    let second = Options { join_only: false, clusters: Some(3), spread_sources: true, ..first };
    let report = run(second).await.unwrap();
    assert_eq!((report.clusters, report.joined), (3, 0));
    let certificates: HashSet<_> = hub
        .requests()
        .into_iter()
        .filter_map(|request| request.client_certificates.into_iter().next())
        .collect();
    assert_eq!(certificates.len(), 4);
}

#[tokio::test]
async fn every_acknowledgement_is_logged() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let folder = tempfile::tempdir().unwrap();
    let acked = folder.path().join("acked");
    let report =
        run(Options { acked: Some(acked.clone()), closed_loop: Some(2), rate: None, ..options(&hub, 3) })
            .await
            .unwrap();
    let text = std::fs::read_to_string(acked).unwrap();
    let usages: Vec<i64> = text.lines().map(|l| l.split('\t').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(usages.iter().filter(|usage| **usage == 0).count(), 3);
    let heartbeats: HashSet<_> = usages.iter().filter(|usage| **usage != 0).collect();
    assert_eq!(heartbeats.len() as u64, report.heartbeats);
}

#[tokio::test]
async fn faults_are_not_counted_as_errors() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let faults = "abort=0.5,garbage=0.5".parse().unwrap();
    let report = run(Options { faults, ..options(&hub, 5) }).await.unwrap();
    assert_eq!((report.heartbeats, report.errors()), (0, 0), "{:?}", report.heartbeat_errors);
    assert_eq!(report.faults.values().sum::<u64>() + report.overlaps + report.unsent, 20);
}

#[tokio::test]
async fn refusals_are_counted_by_status() {
    let hub = FakeHub::start(Leaf::default(), forbid).await;
    let report = run(options(&hub, 2)).await.unwrap();
    assert_eq!(report.join_errors, [("403".to_owned(), 2)].into());
    assert_eq!(report.heartbeats, 0);
}

#[tokio::test]
async fn stopped_simulation_reports_what_was_measured() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let options = Options { duration: Duration::from_mins(10), ..options(&hub, 5) };
    let stop = async {
        while hub.requests().len() < 30 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let report = run_until(options, stop).await.unwrap();
    assert!(report.heartbeats > 0);
}

#[tokio::test]
async fn too_few_clusters_are_an_error() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let error = run(Options { clusters: Some(3), ..options(&hub, 2) }).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot simulate 3 clusters: "), "{error}");
    assert!(matches!(run(Options::default()).await, Err(SimError::NoClusters)));
}

#[tokio::test]
async fn unsent_heartbeats_to_a_stuck_hub_are_counted() {
    // It accepts connections and never responds.
    let stuck = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let folder = tempfile::tempdir().unwrap();
    let first = Options { state: Some(folder.path().join("fleet")), join_only: true, ..options(&hub, 5) };
    run(first.clone()).await.unwrap();
    let second = Options {
        join_only: false,
        connect_to: Some(stuck.local_addr().unwrap()),
        max_in_flight: 1,
        timeout: Duration::from_millis(200),
        ..first
    };
    let report = run(second).await.unwrap();
    let timeouts = report.heartbeat_errors["timeout"];
    assert_eq!((report.heartbeats, timeouts + report.unsent), (0, 20));
    assert!(timeouts <= 4, "{timeouts}");
}
