//! A process is killed again and again while its sink misbehaves. What was in its spool reaches the sink, once and in
//! order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod sink;
mod wire;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use protocol::ClusterName;
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Exposition, Relay, SinkConfig, SpoolConfig};
use sink::{Behaviour, TestSink};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const MEMBERS: usize = 8;
const METRICS: usize = 50;
const BEATS_A_LIFE: i64 = 25;

/// What the killed process is told by.
const VARIABLE: &str = "KILLED_RELAY";

fn relay(url: &str, spool: &Path) -> Relay {
    let endpoint = Endpoint {
        url: url.parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_millis(300),
    };
    let backoff =
        Backoff { first: Duration::from_millis(2), most: Duration::from_millis(20), breaks_after: 3 };
    let spool = SpoolConfig { directory: spool.to_owned(), bytes: 256 << 20 };
    // Little memory: most comes back from the disk.
    let sink =
        SinkConfig { backoff, spool: Some(spool), memory_bytes: 8192, ..SinkConfig::new("a", endpoint) };
    let mut config = Config::new(vec![sink]);
    config.packing.linger = Duration::from_millis(1);
    config.packing.samples = 100;
    Relay::start(config).unwrap()
}

fn beat(relay: &Relay, begun: i64, number: i64) {
    for member in 0..MEMBERS {
        let lines: Vec<_> = (0..METRICS).map(|metric| format!("metric_{metric} {number}")).collect();
        relay.accept(Exposition {
            cluster: ClusterName::new("paris").unwrap(),
            member: format!("node-{member}"),
            service: "LXD".to_owned(),
            received: UnixMillis(begun + number * 100),
            escaped: lines.join("\\n").into(),
        });
    }
}

#[test]
#[ignore = "it is the process that the other test kills"]
fn life() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let [url, spool, begun, first] = told.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let relay = relay(url, Path::new(spool));
    let (begun, first): (i64, i64) = (begun.parse().unwrap(), first.parse().unwrap());
    for number in first.. {
        beat(&relay, begun, number);
        let all = u64::try_from(number - first + 1).unwrap() * (MEMBERS * METRICS) as u64;
        while relay.counts().handed_over() < all {
            std::thread::yield_now();
        }
        println!("spooled {number}");
    }
}

/// Lets a process live until it has spooled some beats. Says which was the last that it told of.
async fn live(told: &str, first: i64) -> i64 {
    let mut process = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "life", "--ignored", "--nocapture"])
        .env(VARIABLE, format!("{told} {first}"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut last = first - 1;
    while let Some(line) = lines.next_line().await.unwrap() {
        // The harness may have begun the line.
        let Some((_, number)) = line.split_once("spooled ") else { continue };
        last = number.parse().unwrap();
        if last == first + BEATS_A_LIFE {
            // SIGKILL: it cannot do anything about it.
            process.start_kill().unwrap();
        }
    }
    process.wait().await.unwrap();
    assert!(last >= first + BEATS_A_LIFE, "it ended by itself");
    last
}

#[tokio::test]
async fn what_was_spooled_survives_being_killed() {
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    let url = format!("http://{}/write", sink.address);
    let begun = UnixMillis::now().minus(Duration::from_mins(30)).0;
    let told = format!("{url} {} {begun}", directory.path().display());
    let mut next = 0;
    for behaviour in [
        Behaviour::Answer(503, None),
        Behaviour::TakeAndFail,
        Behaviour::Take,
        Behaviour::Hang,
        Behaviour::Slowly(Duration::from_millis(20)),
        Behaviour::Take,
    ] {
        sink.behave(behaviour);
        next = live(&told, next).await + 1;
    }
    sink.behave(Behaviour::Take);
    let relay = relay(&url, directory.path());
    let samples = usize::try_from(next).unwrap();
    sink.until(|seen| {
        seen.stored.len() == MEMBERS * METRICS && seen.stored.values().all(|series| series.len() >= samples)
    })
    .await;
    relay.shut_down(Duration::from_mins(1)).await;
    for (labels, series) in &sink.seen().stored {
        // Of the beat that was not told of any more, some may have been spooled.
        for ((at, bits), number) in series.iter().zip(0_i32..) {
            assert_eq!(
                (*at, *bits),
                (begun + i64::from(number) * 100, f64::from(number).to_bits()),
                "{labels:?}"
            );
        }
    }
}
