//! What a relay does with sinks that are well, and with sinks that are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod sink;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::ClusterName;
use relay::counts::{Cause, Outcome};
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Exposition, Relay, SinkConfig, SpoolConfig};
use sink::{Behaviour, TestSink};
use tempfile::TempDir;

const MEMBERS: usize = 10;
const METRICS: usize = 20;
const BEAT: usize = MEMBERS * METRICS;

fn endpoint(sink: &TestSink) -> Endpoint {
    Endpoint {
        url: format!("http://{}/api/v1/write", sink.address).parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_secs(30),
    }
}

fn sink_config(name: &str, sink: &TestSink) -> SinkConfig {
    let backoff =
        Backoff { first: Duration::from_millis(5), most: Duration::from_millis(50), breaks_after: 3 };
    SinkConfig { backoff, ..SinkConfig::new(name, endpoint(sink)) }
}

fn config(sinks: Vec<SinkConfig>) -> Config {
    let mut config = Config::new(sinks);
    config.packing.linger = Duration::from_millis(5);
    config.packing.samples = 64;
    config
}

fn start(sinks: Vec<SinkConfig>) -> Relay {
    Relay::start(config(sinks)).unwrap()
}

/// Minutes may pass quickly, but not into the future.
fn beginning() -> i64 {
    UnixMillis::now().minus(Duration::from_mins(30)).0
}

/// One heartbeat of a cluster. Values say which one it was.
fn beat(relay: &Relay, begun: i64, number: i64) {
    for member in 0..MEMBERS {
        let lines: Vec<_> = (0..METRICS).map(|metric| format!("metric_{metric} {number}")).collect();
        relay.accept(Exposition {
            cluster: ClusterName::new("paris").unwrap(),
            member: format!("node-{member}"),
            service: "LXD".to_owned(),
            received: UnixMillis(begun + number * 1000),
            escaped: lines.join("\\n").into(),
        });
    }
}

/// Every series has every one of these beats once, in order.
fn has_all(sink: &TestSink, begun: i64, beats: std::ops::Range<i64>) {
    let seen = sink.seen();
    assert_eq!(seen.stored.len(), BEAT);
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    let expected: Vec<_> = beats.map(|number| (begun + number * 1000, (number as f64).to_bits())).collect();
    for (labels, samples) in &seen.stored {
        assert_eq!(samples, &expected, "{labels:?}");
    }
}

async fn until_all(sink: &TestSink, beats: usize) {
    sink.until(|seen| seen.samples >= beats * BEAT).await;
}

#[tokio::test]
async fn every_sample_arrives_once_and_in_order_with_the_right_headers() {
    let sink = TestSink::start().await;
    let relay = start(vec![sink_config("a", &sink)]);
    let begun = beginning();
    for number in 0..20 {
        beat(&relay, begun, number);
    }
    until_all(&sink, 20).await;
    has_all(&sink, begun, 0..20);
    let headers = &sink.seen().headers[0];
    assert_eq!(headers["content-encoding"], "snappy");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["x-prometheus-remote-write-version"], "0.1.0");
    relay.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_shut_down_sends_what_is_left() {
    let sink = TestSink::start().await;
    let mut config = config(vec![sink_config("a", &sink)]);
    config.packing.linger = Duration::from_hours(1);
    let relay = Relay::start(config).unwrap();
    let begun = beginning();
    beat(&relay, begun, 0);
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    has_all(&sink, begun, 0..1);
    assert_eq!(counts.sent("a"), BEAT as u64);
}

#[tokio::test]
async fn failures_are_tried_again_and_taken_twice_does_no_harm() {
    let sink = TestSink::start().await;
    sink.behave_in_turn(vec![
        Behaviour::Answer(500, None),
        Behaviour::Answer(503, None),
        Behaviour::TakeAndFail,
        Behaviour::Answer(429, None),
        Behaviour::Answer(502, None),
        Behaviour::Answer(408, None),
        Behaviour::TakeAndFail,
        Behaviour::Take,
    ]);
    let relay = start(vec![sink_config("a", &sink)]);
    let begun = beginning();
    for number in 0..5 {
        beat(&relay, begun, number);
    }
    until_all(&sink, 5).await;
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    has_all(&sink, begun, 0..5);
    assert_eq!(counts.requests("a", Outcome::Failed), 7);
    assert_eq!(counts.sent("a"), 5 * BEAT as u64);
}

#[tokio::test]
async fn a_sink_that_names_a_time_is_left_alone_until_then() {
    let sink = TestSink::start().await;
    sink.behave_in_turn(vec![Behaviour::Answer(429, Some(1)), Behaviour::Take]);
    let mut config = config(vec![sink_config("a", &sink)]);
    config.packing.lanes = 1;
    let relay = Relay::start(config).unwrap();
    let begun = beginning();
    beat(&relay, begun, 0);
    until_all(&sink, 1).await;
    has_all(&sink, begun, 0..1);
    let requests = sink.seen().requests;
    assert!(requests[1] - requests[0] >= Duration::from_millis(990));
    drop(relay);
}

#[tokio::test]
async fn a_sink_that_hangs_loses_the_oldest_and_nobody_else_notices() {
    let (hanging, well) = (TestSink::start().await, TestSink::start().await);
    hanging.behave(Behaviour::Hang);
    let mut hangs = sink_config("hangs", &hanging);
    hangs.endpoint.timeout = Duration::from_millis(100);
    hangs.memory_bytes = 8 * 1024;
    let relay = start(vec![hangs, sink_config("well", &well)]);
    let begun = beginning();
    for number in 0..200 {
        beat(&relay, begun, number);
    }
    until_all(&well, 200).await;
    has_all(&well, begun, 0..200);
    hanging.behave(Behaviour::Take);
    let counts = relay.counts().clone();
    let all = 200 * BEAT as u64;
    hanging.until(|seen| seen.samples as u64 + counts.dropped("hangs", Cause::MemoryFull) == all).await;
    assert!(counts.dropped("hangs", Cause::MemoryFull) > all / 2);
    for samples in hanging.seen().stored.values() {
        assert!(samples.is_sorted() && samples.last().unwrap().0 == begun + 199_000);
    }
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.sent("hangs"), all - counts.dropped("hangs", Cause::MemoryFull));
}

#[tokio::test]
async fn a_slow_sink_gets_everything() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Slowly(Duration::from_millis(50)));
    let relay = start(vec![sink_config("a", &sink)]);
    let begun = beginning();
    for number in 0..5 {
        beat(&relay, begun, number);
    }
    until_all(&sink, 5).await;
    has_all(&sink, begun, 0..5);
    drop(relay);
}

#[tokio::test]
async fn a_series_that_is_refused_for_ever_is_dropped_alone() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::RefuseMetric("metric_7".to_owned()));
    let relay = start(vec![sink_config("a", &sink)]);
    let begun = beginning();
    for number in 0..10 {
        beat(&relay, begun, number);
    }
    let counts = relay.counts().clone();
    let (rest, refused) = (10 * MEMBERS * (METRICS - 1), 10 * MEMBERS as u64);
    sink.until(|seen| seen.samples == rest).await;
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.dropped("a", Cause::Refused), refused);
    assert_eq!(counts.dropped("a", Cause::RefusedTogether), 0);
    for (labels, samples) in &sink.seen().stored {
        assert_eq!(samples.len(), 10, "{labels:?}");
    }
}

#[tokio::test]
async fn what_is_refused_for_ever_is_searched_for_once() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::RefuseMetric("metric_7".to_owned()));
    let mut config = config(vec![sink_config("a", &sink)]);
    config.packing.lanes = 1;
    config.packing.samples = 1000;
    // So each beat is a batch.
    config.packing.linger = Duration::from_hours(1);
    let relay = Relay::start(config).unwrap();
    let begun = beginning();
    for number in 0..10 {
        beat(&relay, begun, number);
    }
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.dropped("a", Cause::Refused), 10 * MEMBERS as u64);
    assert_eq!(counts.sent("a"), 10 * (BEAT - MEMBERS) as u64);
    // A later batch: as it is, without them, and each of them.
    let later = 9 * (2 + MEMBERS);
    assert!(sink.seen().requests.len() - later < 130, "{}", sink.seen().requests.len());
}

#[tokio::test]
async fn finding_what_is_refused_does_not_cost_without_end() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Answer(400, None));
    let mut config = config(vec![SinkConfig { searches: 10, ..sink_config("a", &sink) }]);
    config.packing.lanes = 1;
    config.packing.samples = 1000;
    let relay = Relay::start(config).unwrap();
    beat(&relay, beginning(), 0);
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    let (alone, together) =
        (counts.dropped("a", Cause::Refused), counts.dropped("a", Cause::RefusedTogether));
    assert_eq!(alone + together, BEAT as u64);
    assert!(sink.seen().requests.len() <= 11 * 3, "{}", sink.seen().requests.len());
}

#[tokio::test]
async fn a_sink_that_refuses_everything_is_asked_once_a_batch() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Answer(401, None));
    let relay = start(vec![sink_config("a", &sink)]);
    beat(&relay, beginning(), 0);
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.dropped("a", Cause::Misdirected), BEAT as u64);
    assert_eq!(counts.requests("a", Outcome::Refused), sink.seen().requests.len() as u64);
    assert!(sink.seen().requests.len() < 20);
}

#[tokio::test]
async fn what_becomes_too_old_while_it_waits_is_dropped() {
    let sink = TestSink::start().await;
    let oldest = Duration::from_mins(10);
    let begun = beginning();
    for (begun, number, too_old) in [(begun, 0, BEAT as u64), (begun + 25 * 60_000, 1, 0)] {
        let relay = start(vec![SinkConfig { oldest, ..sink_config("a", &sink) }]);
        beat(&relay, begun, number);
        let counts = relay.counts().clone();
        relay.shut_down(Duration::from_mins(1)).await;
        assert_eq!(counts.dropped("a", Cause::TooOld), too_old);
    }
    has_all(&sink, begun + 25 * 60_000, 1..2);
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
async fn a_cluster_that_leaves_has_its_series_ended() {
    let sink = TestSink::start().await;
    let relay = start(vec![sink_config("a", &sink)]);
    let begun = beginning();
    beat(&relay, begun, 0);
    let paris = ClusterName::new("paris").unwrap();
    assert_eq!(relay.silent_since(UnixMillis(begun)).await, []);
    assert_eq!(relay.silent_since(UnixMillis(begun + 1)).await, std::slice::from_ref(&paris));
    relay.end(paris);
    until_all(&sink, 2).await;
    for samples in sink.seen().stored.values() {
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[1].1, relay::remote_write::STALE_NAN);
    }
    assert_eq!(relay.silent_since(UnixMillis(i64::MAX)).await, []);
}

#[tokio::test]
async fn a_sink_behind_tls_is_told_who_we_are() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let chain = vec![certificate.der().clone()];
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let tls = tokio_rustls::rustls::ServerConfig::builder().with_no_client_auth();
    let tls = tls.with_single_cert(chain, key).unwrap();
    let sink = TestSink::with_tls(Arc::new(tls).into()).await;
    let mut trusting = sink_config("a", &sink);
    let url = format!("https://localhost:{}/write", sink.address.port());
    trusting.endpoint = Endpoint {
        url: url.parse().unwrap(),
        extra_ca_pem: Some(certificate.pem().into_bytes()),
        credentials: Credentials::Bearer("a-token".into()),
        timeout: Duration::from_secs(30),
    };
    let mut distrusting = trusting.clone();
    distrusting.name = "b".to_owned();
    distrusting.endpoint.extra_ca_pem = None;
    let relay = start(vec![trusting, distrusting]);
    let begun = beginning();
    beat(&relay, begun, 0);
    until_all(&sink, 1).await;
    has_all(&sink, begun, 0..1);
    assert!(sink.seen().headers.iter().all(|headers| headers["authorization"] == "Bearer a-token"));
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_millis(500)).await;
    assert_eq!(counts.sent("b"), 0);
    assert_eq!(counts.dropped("b", Cause::Ended), BEAT as u64);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "six million samples: run it with --release"]
async fn an_hour_without_a_sink_fits_for_a_thousand_sites() {
    const SITES: usize = 1000;
    const BEATS: usize = 60;
    let text = include_str!("fixtures/lxd-5.0.txt");
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
    while relay.counts().handed_over() < all as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
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
    for file in std::fs::read_dir(one.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some() {
            std::fs::copy(&file, other.path().join(file.file_name().unwrap())).unwrap();
        }
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
    let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files.filter(|path| path.extension().is_some()).count(), 0);
    assert_eq!(relay.counts().expositions_dropped(Cause::LongName), 1);
    relay.shut_down(Duration::from_secs(10)).await;
}
