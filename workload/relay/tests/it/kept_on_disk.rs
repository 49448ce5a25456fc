//! What a relay keeps on disk for the next one: spools and journal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::beats::{BEAT, beat, beginning, config, has_all, sink_config, start, until_all};
use crate::sink::{Behaviour, TestSink};
use protocol::ClusterName;
use relay::counts::Cause;
use relay::time::UnixMillis;
use relay::{Config, Exposition, Relay, SinkConfig, SpoolConfig};
use tempfile::TempDir;

/// Not the folders of spools, which lie beside them.
fn journal_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some()).collect()
}

#[tokio::test]
async fn a_spool_outlives_its_relay() {
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Answer(503, None));
    let with_spool = || {
        let spool = SpoolConfig { directory: directory.path().join("a"), bytes: 64 << 20 };
        SinkConfig { spool: Some(spool), memory_bytes: 4096, ..sink_config("a", &sink) }
    };
    let begun = beginning();
    for run in 0..3 {
        let relay = start(vec![with_spool()]);
        for number in run * 10..(run + 1) * 10 {
            beat(&relay, begun, number);
        }
        let counts = relay.counts().clone();
        relay.shut_down(Duration::from_millis(200)).await;
        assert_eq!(counts.dropped("a", Cause::Ended), 0);
        assert_eq!(counts.dropped("a", Cause::MemoryFull), 0);
    }
    sink.behave(Behaviour::Take);
    let mut config = config(vec![with_spool()]);
    // Even so, each series stays in order.
    config.packing.lanes = 7;
    let relay = Relay::start(config).unwrap();
    beat(&relay, begun, 30);
    until_all(&sink, 31).await;
    has_all(&sink, begun, 0..31);
    relay.shut_down(Duration::from_mins(1)).await;
    // Nothing is left for the next one.
    let before = sink.seen().requests.len();
    let relay = start(vec![with_spool()]);
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(sink.seen().requests.len(), before);
}

#[tokio::test]
async fn what_a_killed_relay_left_and_is_too_old_spoils_nothing_new() {
    let sink = TestSink::start().await;
    let with_journal = |folder: &Path, linger| {
        let spool = SpoolConfig { directory: folder.join("a"), bytes: 16 << 20 };
        let mut config = config(vec![SinkConfig { spool: Some(spool), ..sink_config("a", &sink) }]);
        config.journal = Some(folder.to_owned());
        config.packing.linger = linger;
        // What is gathered together is one batch.
        (config.packing.samples, config.packing.lanes) = (10_000, 1);
        Relay::start(config).unwrap()
    };
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let killed = with_journal(one.path(), Duration::from_hours(1));
    beat(&killed, UnixMillis::now().minus(Duration::from_hours(2)).0, 0);
    // Answered when all before it was written down, and gathers still.
    killed.silent_since(UnixMillis(0)).await;
    // What a killed process leaves: one that is dropped hands on what it has.
    for file in journal_files(one.path()) {
        std::fs::copy(&file, other.path().join(file.file_name().unwrap())).unwrap();
    }

    let relay = with_journal(other.path(), Duration::from_millis(200));
    let begun = beginning();
    beat(&relay, begun, 0);
    until_all(&sink, 1).await;
    has_all(&sink, begun, 0..1);
    assert_eq!(relay.counts().dropped("a", Cause::TooOld), BEAT as u64);
    assert_eq!(sink.seen().refused, [""; 0]);
    relay.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_name_that_is_longer_than_any_real_one_is_not_even_written_down() {
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
#[ignore = "six million samples: run it with --release"]
async fn an_hour_without_a_sink_fits_for_a_thousand_sites() {
    const SITES: usize = 1000;
    const BEATS: usize = 60;
    let text = include_str!("../../../exposition/tests/fixtures/lxd-5.0.txt");
    let escaped = serde_json::to_string(text).unwrap();
    let escaped: bytes::Bytes = escaped[1..escaped.len() - 1].to_owned().into();
    let directory = TempDir::new().unwrap();
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Answer(503, Some(1)));
    let spool = SpoolConfig { directory: directory.path().join("a"), bytes: 1 << 30 };
    let mut config = Config::new(vec![SinkConfig {
        spool: Some(spool),
        memory_bytes: 16 << 20,
        ..sink_config("a", &sink)
    }]);
    config.intake_bytes = usize::MAX;
    let relay = Relay::start(config).unwrap();
    let begun = UnixMillis::now().minus(Duration::from_mins(60));
    for beat in 0..BEATS {
        for site in 0..SITES {
            relay.accept(Exposition {
                cluster: ClusterName::new(format!("site-{site}")).unwrap(),
                member: "node-1".to_owned(),
                service: "LXD".to_owned(),
                received: begun.plus(Duration::from_mins(beat as u64)),
                escaped: escaped.clone(),
            });
        }
    }
    let all = SITES * BEATS * 99;
    // Answered when all before it was packed.
    relay.silent_since(UnixMillis(0)).await;
    let on_disk: u64 = std::fs::read_dir(directory.path().join("a"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    println!("{all} samples, {on_disk} bytes on disk");
    sink.behave(Behaviour::Take);
    sink.until(|seen| seen.samples == all).await;
    for samples in sink.seen().stored.values() {
        assert_eq!(samples.len(), BEATS);
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0));
    }
    relay.shut_down(Duration::from_mins(1)).await;
}
