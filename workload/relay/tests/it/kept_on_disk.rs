//! What a relay keeps on disk for the next process: spools and the journal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::heartbeats::{
    HEARTBEAT_SAMPLES, assert_received, config, heartbeat, sink_config, start, start_time,
    wait_for_heartbeats,
};
use crate::sink::{Behaviour, TestSink};
use protocol::ClusterName;
use relay::counts::Cause;
use relay::time::UnixMillis;
use relay::{Config, Exposition, Relay, SinkConfig, SpoolConfig};
use tempfile::TempDir;

/// The files of the journal, without the directories of the spools next to them.
fn journal_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some()).collect()
}

#[tokio::test]
async fn spool_outlives_its_relay() {
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Respond(503, None));
    let with_spool = || {
        let spool = SpoolConfig { directory: directory.path().join("a"), bytes: 64 << 20 };
        SinkConfig { spool: Some(spool), memory_bytes: 4096, ..sink_config("a", &sink) }
    };
    let start_at = start_time();
    for run in 0..3 {
        let relay = start(vec![with_spool()]);
        for number in run * 10..(run + 1) * 10 {
            heartbeat(&relay, start_at, number);
        }
        let counts = relay.counts().clone();
        relay.shut_down(Duration::from_millis(200)).await;
        assert_eq!(counts.dropped("a", Cause::Ended), 0);
        assert_eq!(counts.dropped("a", Cause::MemoryFull), 0);
    }
    sink.behave(Behaviour::Accept);
    let mut config = config(vec![with_spool()]);
    // Each series stays in order even with another number of shards.
    config.packing.shards = 7;
    let relay = Relay::start(config).unwrap();
    heartbeat(&relay, start_at, 30);
    wait_for_heartbeats(&sink, 31).await;
    assert_received(&sink, start_at, 0..31);
    relay.shut_down(Duration::from_mins(1)).await;
    // Nothing is left for the next process.
    let before = sink.seen().requests.len();
    let relay = start(vec![with_spool()]);
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(sink.seen().requests.len(), before);
}

#[tokio::test]
async fn leftovers_that_are_too_old_do_not_affect_new_samples() {
    let sink = TestSink::start().await;
    let with_journal = |folder: &Path, linger| {
        let spool = SpoolConfig { directory: folder.join("a"), bytes: 16 << 20 };
        let mut config = config(vec![SinkConfig { spool: Some(spool), ..sink_config("a", &sink) }]);
        config.journal = Some(folder.to_owned());
        config.packing.linger = linger;
        // Everything that is gathered together is one batch.
        (config.packing.max_batch_samples, config.packing.shards) = (10_000, 1);
        Relay::start(config).unwrap()
    };
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let killed = with_journal(one.path(), Duration::from_hours(1));
    heartbeat(&killed, UnixMillis::now().minus(Duration::from_hours(2)).0, 0);
    // Returns when everything before it is in the journal; the batch is still being gathered.
    killed.silent_since(UnixMillis(0)).await;
    // The files that a killed process leaves. Dropping the relay would hand over its batches.
    for file in journal_files(one.path()) {
        std::fs::copy(&file, other.path().join(file.file_name().unwrap())).unwrap();
    }

    let relay = with_journal(other.path(), Duration::from_millis(200));
    let start_at = start_time();
    heartbeat(&relay, start_at, 0);
    wait_for_heartbeats(&sink, 1).await;
    assert_received(&sink, start_at, 0..1);
    assert_eq!(relay.counts().dropped("a", Cause::TooOld), HEARTBEAT_SAMPLES as u64);
    assert_eq!(sink.seen().refused, [""; 0]);
    relay.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn exposition_with_a_long_name_is_not_written_to_the_journal() {
    let sink = TestSink::start().await;
    let directory = TempDir::new().unwrap();
    let mut config = config(vec![sink_config("a", &sink)]);
    config.journal = Some(directory.path().to_owned());
    config.packing.linger = Duration::from_hours(1);
    let relay = Relay::start(config).unwrap();
    relay.accept(Exposition {
        cluster: ClusterName::new("paris").unwrap(),
        member: "a".repeat(256),
        service: "LXD".to_owned(),
        received: UnixMillis::now(),
        escaped: "metric 1".into(),
    });
    relay.silent_since(UnixMillis(0)).await;
    assert!(journal_files(directory.path()).is_empty());
    assert_eq!(relay.counts().expositions_dropped(Cause::LongName), 1);
    relay.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "six million samples; run it with --release"]
async fn spool_holds_an_hour_of_a_thousand_clusters() {
    const CLUSTERS: usize = 1000;
    const HEARTBEATS: usize = 60;
    let text = include_str!("../../../exposition/tests/fixtures/lxd-5.0.txt");
    let escaped = serde_json::to_string(text).unwrap();
    let escaped: bytes::Bytes = escaped[1..escaped.len() - 1].to_owned().into();
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Respond(503, Some(1)));
    let spool = SpoolConfig { directory: directory.path().join("a"), bytes: 1 << 30 };
    let mut config = Config::new(vec![SinkConfig {
        spool: Some(spool),
        memory_bytes: 16 << 20,
        ..sink_config("a", &sink)
    }]);
    config.intake_bytes = usize::MAX;
    let relay = Relay::start(config).unwrap();
    let start_at = UnixMillis::now().minus(Duration::from_mins(60));
    for heartbeat in 0..HEARTBEATS {
        for cluster in 0..CLUSTERS {
            relay.accept(Exposition {
                cluster: ClusterName::new(format!("cluster-{cluster}")).unwrap(),
                member: "node-1".to_owned(),
                service: "LXD".to_owned(),
                received: start_at.plus(Duration::from_mins(heartbeat as u64)),
                escaped: escaped.clone(),
            });
        }
    }
    let all = CLUSTERS * HEARTBEATS * 99;
    // Returns when everything before it is in batches.
    relay.silent_since(UnixMillis(0)).await;
    let on_disk: u64 = std::fs::read_dir(directory.path().join("a"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    println!("{all} samples, {on_disk} bytes on disk");
    sink.behave(Behaviour::Accept);
    sink.until(|seen| seen.samples == all).await;
    for samples in sink.seen().stored.values() {
        assert_eq!(samples.len(), HEARTBEATS);
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0));
    }
    relay.shut_down(Duration::from_mins(1)).await;
}
