//! A process is killed again and again while its sink misbehaves. What was handed to it reaches the sink, once and in
//! order: that which was spooled, that which was being gathered, and that which is in the one in part.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::beats::exposition;
use crate::sink::{Behaviour, TestSink};
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Relay, SinkConfig, SpoolConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const MEMBERS: usize = 8;
const METRICS: usize = 50;
const BEATS_A_LIFE: i64 = 25;
/// Milliseconds from one beat to the next, as far as their time stamps tell.
const BEAT_EVERY: i64 = 100;

/// What the killed process is told by.
const VARIABLE: &str = "KILLED_RELAY";

fn relay(url: &str, folder: &Path, linger: Duration) -> Relay {
    let endpoint = Endpoint {
        url: url.parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_millis(300),
    };
    let backoff =
        Backoff { first: Duration::from_millis(2), most: Duration::from_millis(20), breaks_after: 3 };
    let spool = SpoolConfig { directory: folder.join("a"), bytes: 256 << 20 };
    // Little memory: most comes back from the disk.
    let sink =
        SinkConfig { backoff, spool: Some(spool), memory_bytes: 8192, ..SinkConfig::new("a", endpoint) };
    let mut config = Config::new(vec![sink]);
    config.journal = Some(folder.to_owned());
    config.packing.linger = linger;
    config.packing.samples = 100;
    Relay::start(config).unwrap()
}

fn beat(relay: &Relay, begun: i64, number: i64) {
    for member in 0..MEMBERS {
        relay.accept(exposition(member, METRICS, number, begun + number * BEAT_EVERY));
    }
}

#[tokio::test]
#[ignore = "it is the process that the other test kills"]
async fn life() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let [url, folder, begun, linger, first] = told.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let relay = relay(url, Path::new(folder), Duration::from_millis(linger.parse().unwrap()));
    let (begun, first): (i64, i64) = (begun.parse().unwrap(), first.parse().unwrap());
    for number in first.. {
        beat(&relay, begun, number);
        // The answer comes after all that was handed in before was written down.
        relay.silent_since(UnixMillis(0)).await;
        println!("written {number}");
    }
}

/// Lets a process live until it has written some beats down. Says which was the last that it told of.
async fn live(told: &str, first: i64) -> i64 {
    let mut process = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::life", "--ignored", "--nocapture"])
        .env(VARIABLE, format!("{told} {first}"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut last = first - 1;
    while let Some(line) = lines.next_line().await.unwrap() {
        // The harness may have begun the line.
        let Some((_, number)) = line.split_once("written ") else { continue };
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
async fn what_was_handed_in_survives_being_killed() {
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    let url = format!("http://{}/write", sink.address);
    let begun = UnixMillis::now().minus(Duration::from_mins(30)).0;
    let (mut written, mut next) = (Vec::new(), 0);
    for behaviour in [
        Behaviour::Answer(503, None),
        Behaviour::TakeAndFail,
        Behaviour::Take,
        Behaviour::Hang,
        Behaviour::Slowly(Duration::from_millis(20)),
        Behaviour::Take,
    ] {
        sink.behave(behaviour);
        // One that hands on what it has at once, one that does so now and then, and one that hardly does.
        for linger in [1, 10, 3_600_000] {
            let told = format!("{url} {} {begun} {linger}", directory.path().display());
            let last = live(&told, next).await;
            written.extend(next..=last);
            // Of the beat that was not told of any more, some may have been written down: it is not repeated.
            next = last + 2;
        }
    }
    sink.behave(Behaviour::Take);
    let relay = relay(&url, directory.path(), Duration::from_millis(1));
    let last = begun + (next - 2) * BEAT_EVERY;
    sink.until(|seen| {
        let is_whole = |series: &Vec<(i64, u64)>| series.last().is_some_and(|(at, _)| *at >= last);
        seen.stored.len() == MEMBERS * METRICS && seen.stored.values().all(is_whole)
    })
    .await;
    relay.shut_down(Duration::from_mins(1)).await;
    let seen = sink.seen();
    for (labels, series) in &seen.stored {
        let numbers: Vec<i64> = series.iter().map(|(at, _)| (at - begun) / BEAT_EVERY).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{labels:?}: {numbers:?}");
        for ((at, bits), number) in series.iter().zip(&numbers) {
            let value = f64::from(u32::try_from(*number).unwrap());
            assert_eq!((*at, *bits), (begun + number * BEAT_EVERY, value.to_bits()), "{labels:?}");
        }
        let missing: Vec<_> = written.iter().filter(|number| !numbers.contains(number)).collect();
        assert!(missing.is_empty(), "{labels:?}: {missing:?} are missing");
    }
    // Nothing came after what is newer: a sink would refuse it, and what is in the same batch with it.
    assert_eq!(seen.refused, [""; 0]);
    let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files.filter(|path| path.extension().is_some()).count(), 0);
}
