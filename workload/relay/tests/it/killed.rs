//! A process is killed again and again while its sink misbehaves. Everything that it accepted reaches the sink, once and in
//! order, whether it was spooled, in a batch that was being gathered, or partly in each.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::heartbeats::exposition;
use crate::sink::{Behaviour, TestSink};
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Relay, SinkConfig, SpoolConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const MEMBERS: usize = 8;
const METRICS: usize = 50;
const HEARTBEATS_PER_PROCESS: i64 = 25;
/// The time between two heartbeats in milliseconds, according to their timestamps.
const HEARTBEAT_INTERVAL_MS: i64 = 100;

/// The environment variable with the arguments of the killed process.
const ARGUMENTS_VARIABLE: &str = "KILLED_RELAY";

fn relay(url: &str, folder: &Path, linger: Duration) -> Relay {
    let endpoint = Endpoint {
        url: url.parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_millis(300),
    };
    let backoff =
        Backoff { first: Duration::from_millis(2), max: Duration::from_millis(20), breaks_after: 3 };
    let spool = SpoolConfig { directory: folder.join("a"), bytes: 256 << 20 };
    // Little memory, so that most batches are read from disk.
    let sink =
        SinkConfig { backoff, spool: Some(spool), memory_bytes: 8192, ..SinkConfig::new("a", endpoint) };
    let mut config = Config::new(vec![sink]);
    config.journal = Some(folder.to_owned());
    config.packing.linger = linger;
    config.packing.max_batch_samples = 100;
    Relay::start(config).unwrap()
}

fn heartbeat(relay: &Relay, start_at: i64, number: i64) {
    for member in 0..MEMBERS {
        relay.accept(exposition(member, METRICS, number, start_at + number * HEARTBEAT_INTERVAL_MS));
    }
}

#[tokio::test]
#[ignore = "the process that the other test kills"]
async fn child() {
    let Ok(arguments) = std::env::var(ARGUMENTS_VARIABLE) else { return };
    let [url, folder, start_at, linger, first] = arguments.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let relay = relay(url, Path::new(folder), Duration::from_millis(linger.parse().unwrap()));
    let (start_at, first): (i64, i64) = (start_at.parse().unwrap(), first.parse().unwrap());
    for number in first.. {
        heartbeat(&relay, start_at, number);
        // Returns when everything before it is in the journal.
        relay.silent_since(UnixMillis(0)).await;
        println!("written {number}");
    }
}

/// Runs a process until it has written some heartbeats to its journal. Returns the last one that it reported.
async fn run_child(arguments: &str, first: i64) -> i64 {
    let mut process = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--ignored", "--nocapture"])
        .env(ARGUMENTS_VARIABLE, format!("{arguments} {first}"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut last = first - 1;
    while let Some(line) = lines.next_line().await.unwrap() {
        // The test harness may have written to the line before.
        let Some((_, number)) = line.split_once("written ") else { continue };
        last = number.parse().unwrap();
        if last == first + HEARTBEATS_PER_PROCESS {
            // SIGKILL, which the process cannot handle.
            process.start_kill().unwrap();
        }
    }
    process.wait().await.unwrap();
    assert!(last >= first + HEARTBEATS_PER_PROCESS, "the process ended too early");
    last
}

#[tokio::test]
async fn accepted_expositions_survive_a_kill() {
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    let url = format!("http://{}/write", sink.address);
    let start_at = UnixMillis::now().minus(Duration::from_mins(30)).0;
    let (mut written, mut next) = (Vec::new(), 0);
    for behaviour in [
        Behaviour::Respond(503, None),
        Behaviour::AcceptAndFail,
        Behaviour::Accept,
        Behaviour::Hang,
        Behaviour::Slowly(Duration::from_millis(20)),
        Behaviour::Accept,
    ] {
        sink.behave(behaviour);
        // Processes that hand over batches immediately, after a short time, and practically never.
        for linger in [1, 10, 3_600_000] {
            let arguments = format!("{url} {} {start_at} {linger}", directory.path().display());
            let last = run_child(&arguments, next).await;
            written.extend(next..=last);
            // The next heartbeat may have been written partly, so it is skipped.
            next = last + 2;
        }
    }
    sink.behave(Behaviour::Accept);
    let relay = relay(&url, directory.path(), Duration::from_millis(1));
    let last = start_at + (next - 2) * HEARTBEAT_INTERVAL_MS;
    sink.until(|seen| {
        let is_whole = |series: &Vec<(i64, u64)>| series.last().is_some_and(|(at, _)| *at >= last);
        seen.stored.len() == MEMBERS * METRICS && seen.stored.values().all(is_whole)
    })
    .await;
    relay.shut_down(Duration::from_mins(1)).await;
    let seen = sink.seen();
    for (labels, series) in &seen.stored {
        let numbers: Vec<i64> =
            series.iter().map(|(at, _)| (at - start_at) / HEARTBEAT_INTERVAL_MS).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{labels:?}: {numbers:?}");
        for ((at, bits), number) in series.iter().zip(&numbers) {
            let value = f64::from(u32::try_from(*number).unwrap());
            assert_eq!(
                (*at, *bits),
                (start_at + number * HEARTBEAT_INTERVAL_MS, value.to_bits()),
                "{labels:?}"
            );
        }
        let missing: Vec<_> = written.iter().filter(|number| !numbers.contains(number)).collect();
        assert!(missing.is_empty(), "{labels:?}: {missing:?} are missing");
    }
    // No sample came after a newer one: a sink would refuse it, together with its batch.
    assert_eq!(seen.refused, [""; 0]);
    let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files.filter(|path| path.extension().is_some()).count(), 0);
}
