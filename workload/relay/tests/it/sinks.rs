//! What a relay does with sinks that are well, and with sinks that are not.

use std::sync::Arc;
use std::time::Duration;

use crate::beats::{BEAT, MEMBERS, METRICS, beat, beginning, config, has_all, sink_config, start, until_all};
use crate::sink::{Behaviour, TestSink};
use protocol::ClusterName;
use relay::counts::{Cause, Outcome};
use relay::time::UnixMillis;
use relay::{Credentials, Endpoint, Relay, SinkConfig};

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
