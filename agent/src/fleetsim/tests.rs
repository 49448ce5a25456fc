//! Whole simulations against a hub on loopback.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::testing::{FakeHub, Leaf, agreeable, forbidding};

fn options(hub: &FakeHub, sites: usize) -> Options {
    Options {
        tokens: (0..sites).map(|n| hub.token(&format!("site-{n}"))).collect(),
        duration: Duration::from_millis(500),
        rate: Some(40.0),
        ..Options::default()
    }
}

#[tokio::test]
async fn joins_and_beats_at_the_given_rate() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let report = run(options(&hub, 5)).await.unwrap();
    assert_eq!((report.sites, report.joined, report.errors()), (5, 5, 0));
    assert_eq!(report.beats + report.overlaps + report.unsent, 20);
    assert!(report.whole.p50_ms >= report.call.p50_ms);
}

#[tokio::test]
async fn kept_sites_need_not_join_again_and_keep_their_certificates() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let folder = tempfile::tempdir().unwrap();
    let first = Options { state: Some(folder.path().join("fleet")), join_only: true, ..options(&hub, 4) };
    assert_eq!(run(first.clone()).await.unwrap().joined, 4);
    let second = Options { join_only: false, sites: Some(3), spread_sources: true, ..first };
    let report = run(second).await.unwrap();
    assert_eq!((report.sites, report.joined), (3, 0));
    let certificates: HashSet<_> =
        hub.seen().into_iter().filter_map(|seen| seen.client_certificates.into_iter().next()).collect();
    assert_eq!(certificates.len(), 4);
}

#[tokio::test]
async fn every_acknowledgement_is_noted_with_its_number() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let folder = tempfile::tempdir().unwrap();
    let acked = folder.path().join("acked");
    let report =
        run(Options { acked: Some(acked.clone()), closed_loop: Some(2), rate: None, ..options(&hub, 3) })
            .await
            .unwrap();
    let text = std::fs::read_to_string(acked).unwrap();
    let numbers: Vec<i64> = text.lines().map(|l| l.split('\t').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(numbers.iter().filter(|n| **n == 0).count(), 3);
    let beats: HashSet<_> = numbers.iter().filter(|n| **n != 0).collect();
    assert_eq!(beats.len() as u64, report.beats);
}

#[tokio::test]
async fn faults_are_no_errors() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let faults = "abort=0.5,garbage=0.5".parse().unwrap();
    let report = run(Options { faults, ..options(&hub, 5) }).await.unwrap();
    assert_eq!((report.beats, report.errors()), (0, 0), "{:?}", report.beat_errors);
    assert_eq!(report.faults.values().sum::<u64>() + report.overlaps + report.unsent, 20);
}

#[tokio::test]
async fn refusals_are_counted_by_status() {
    let hub = FakeHub::start(Leaf::default(), forbidding).await;
    let report = run(options(&hub, 2)).await.unwrap();
    assert_eq!(report.join_errors, [("403".to_owned(), 2)].into());
    assert_eq!(report.beats, 0);
}

#[tokio::test]
async fn stops_when_told_with_what_was_measured() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let options = Options { duration: Duration::from_mins(10), ..options(&hub, 5) };
    let enough = async {
        while hub.seen().len() < 30 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let report = run_until(options, enough).await.unwrap();
    assert!(report.beats > 0);
}

#[tokio::test]
async fn too_few_sites_are_an_error() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let error = run(Options { sites: Some(3), ..options(&hub, 2) }).await.unwrap_err();
    assert!(error.to_string().starts_with("3 sites were asked for"), "{error}");
    assert!(matches!(run(Options::default()).await, Err(SimError::NoSites)));
}

#[tokio::test]
async fn what_a_stuck_hub_kept_from_being_sent_is_counted() {
    // It accepts connections and never answers.
    let stuck = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
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
    let timeouts = report.beat_errors["timeout"];
    assert_eq!((report.beats, timeouts + report.unsent), (0, 20));
    assert!(timeouts <= 4, "{timeouts}");
}
