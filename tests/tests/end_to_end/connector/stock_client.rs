//! MicroCloud's daemon, which neither reads nor closes the body of a 200: a Go program that calls as it does.

use std::process::Stdio;

use harness::{Hub, programs};
use tokio::io::AsyncWriteExt as _;

/// What the program holds after a number of heartbeats.
#[derive(Debug, serde::Deserialize)]
struct Cost {
    heartbeats: i64,
    descriptors: i64,
    goroutines: i64,
    rss_bytes: i64,
}

/// Enrols, reports and leaves as the daemon, but for the `Host`. Returns its cost after the first heartbeats, and at the end.
async fn run(hub: &Hub, host: &str, heartbeats: u32) -> (Cost, Cost) {
    let token = hub.token(host);
    let mut program = tokio::process::Command::new(programs::built("stock-client"));
    program.args(["-host", host, "-heartbeats", &heartbeats.to_string()]);
    let mut program =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    program.stdin.take().unwrap().write_all(token.as_bytes()).await.unwrap();
    let output = program.wait_with_output().await.unwrap();
    assert!(output.status.success(), "it prints why not");
    let costs: [Cost; 2] = serde_json::from_slice(&output.stdout).unwrap();
    println!("Host: {host}: {costs:?}");
    costs.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn daemon_that_never_closes_a_body_holds_no_more_after_500_heartbeats_than_after_50() {
    let hub = Hub::start_unlimited().await;
    let (early, late) = run(&hub, "remote", 500).await;
    assert_eq!((early.heartbeats, late.heartbeats), (50, 500));
    assert!(late.descriptors <= early.descriptors + 2, "{early:?} {late:?}");
    assert!(late.goroutines <= early.goroutines + 4, "{early:?} {late:?}");
    assert!(late.rss_bytes <= early.rss_bytes + 8_000_000, "{early:?} {late:?}");
    assert!(hub.store.clusters().await.unwrap().1.is_empty(), "it has left");
}

/// The test above would notice: whoever calls by another name gets the envelope, and must read it.
#[tokio::test(flavor = "multi_thread")]
async fn client_by_another_name_gets_bodies_and_leaks_them_if_it_does_not_read() {
    let hub = Hub::start_unlimited().await;
    let (early, late) = run(&hub, "hub.example.com", 100).await;
    assert!(late.descriptors >= early.descriptors + 45, "{early:?} {late:?}");
}
