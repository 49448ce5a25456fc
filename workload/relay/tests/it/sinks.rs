//! How a relay treats sinks that work and sinks that fail.

use std::sync::Arc;
use std::time::Duration;

use crate::heartbeats::{
    HEARTBEAT_SAMPLES, MEMBERS, METRICS, assert_received, config, heartbeat, sink_config, start, start_time,
    wait_for_heartbeats,
};
use crate::sink::{Behaviour, TestSink};
use protocol::ClusterName;
use relay::counts::{Cause, Outcome};
use relay::time::UnixMillis;
use relay::{Credentials, Endpoint, Relay, SinkConfig};

#[tokio::test]
async fn every_sample_arrives_once_and_in_order() {
    let sink = TestSink::start().await;
    let relay = start(vec![sink_config("a", &sink)]);
    let start_at = start_time();
    for number in 0..20 {
        heartbeat(&relay, start_at, number);
    }
    wait_for_heartbeats(&sink, 20).await;
    assert_received(&sink, start_at, 0..20);
    let headers = &sink.seen().headers[0];
    assert_eq!(headers["content-encoding"], "snappy");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["x-prometheus-remote-write-version"], "0.1.0");
    relay.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn shutdown_sends_what_is_queued() {
    let sink = TestSink::start().await;
    let mut config = config(vec![sink_config("a", &sink)]);
    config.packing.linger = Duration::from_hours(1);
    let relay = Relay::start(config).unwrap();
    let start_at = start_time();
    heartbeat(&relay, start_at, 0);
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    assert_received(&sink, start_at, 0..1);
    assert_eq!(counts.sent("a"), HEARTBEAT_SAMPLES as u64);
}

#[tokio::test]
async fn failed_requests_are_retried_and_duplicates_do_no_harm() {
    let sink = TestSink::start().await;
    sink.behave_in_turn(vec![
        Behaviour::Respond(500, None),
        Behaviour::Respond(503, None),
        Behaviour::AcceptAndFail,
        Behaviour::Respond(429, None),
        Behaviour::Respond(502, None),
        Behaviour::Respond(408, None),
        Behaviour::AcceptAndFail,
        Behaviour::Accept,
    ]);
    let relay = start(vec![sink_config("a", &sink)]);
    let start_at = start_time();
    for number in 0..5 {
        heartbeat(&relay, start_at, number);
    }
    wait_for_heartbeats(&sink, 5).await;
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    assert_received(&sink, start_at, 0..5);
    assert_eq!(counts.requests("a", Outcome::Failed), 7);
    assert_eq!(counts.sent("a"), 5 * HEARTBEAT_SAMPLES as u64);
}

#[tokio::test]
async fn retry_after_of_a_sink_is_respected() {
    let sink = TestSink::start().await;
    sink.behave_in_turn(vec![Behaviour::Respond(429, Some(1)), Behaviour::Accept]);
    let mut config = config(vec![sink_config("a", &sink)]);
    config.packing.shards = 1;
    let relay = Relay::start(config).unwrap();
    let start_at = start_time();
    heartbeat(&relay, start_at, 0);
    wait_for_heartbeats(&sink, 1).await;
    assert_received(&sink, start_at, 0..1);
    let requests = sink.seen().requests;
    assert!(requests[1] - requests[0] >= Duration::from_millis(990));
    drop(relay);
}

#[tokio::test]
async fn hanging_sink_loses_the_oldest_samples_and_does_not_affect_others() {
    let (hanging, well) = (TestSink::start().await, TestSink::start().await);
    hanging.behave(Behaviour::Hang);
    let mut hangs = sink_config("hangs", &hanging);
    hangs.endpoint.timeout = Duration::from_millis(100);
    hangs.memory_bytes = 8 * 1024;
    let relay = start(vec![hangs, sink_config("well", &well)]);
    let start_at = start_time();
    for number in 0..200 {
        heartbeat(&relay, start_at, number);
    }
    wait_for_heartbeats(&well, 200).await;
    assert_received(&well, start_at, 0..200);
    hanging.behave(Behaviour::Accept);
    let counts = relay.counts().clone();
    let all = 200 * HEARTBEAT_SAMPLES as u64;
    hanging.until(|seen| seen.samples as u64 + counts.dropped("hangs", Cause::MemoryFull) == all).await;
    assert!(counts.dropped("hangs", Cause::MemoryFull) > all / 2);
    for samples in hanging.seen().stored.values() {
        assert!(samples.is_sorted() && samples.last().unwrap().0 == start_at + 199_000);
    }
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.sent("hangs"), all - counts.dropped("hangs", Cause::MemoryFull));
}

#[tokio::test]
async fn slow_sink_receives_everything() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Slowly(Duration::from_millis(50)));
    let relay = start(vec![sink_config("a", &sink)]);
    let start_at = start_time();
    for number in 0..5 {
        heartbeat(&relay, start_at, number);
    }
    wait_for_heartbeats(&sink, 5).await;
    assert_received(&sink, start_at, 0..5);
    drop(relay);
}

#[tokio::test]
async fn refused_series_is_dropped_alone() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::RefuseMetric("metric_7".to_owned()));
    let relay = start(vec![sink_config("a", &sink)]);
    let start_at = start_time();
    for number in 0..10 {
        heartbeat(&relay, start_at, number);
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
async fn refused_series_are_searched_for_once() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::RefuseMetric("metric_7".to_owned()));
    let mut config = config(vec![sink_config("a", &sink)]);
    config.packing.shards = 1;
    config.packing.max_batch_samples = 1000;
    // So that each heartbeat is one batch.
    config.packing.linger = Duration::from_hours(1);
    let relay = Relay::start(config).unwrap();
    let start_at = start_time();
    for number in 0..10 {
        heartbeat(&relay, start_at, number);
    }
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.dropped("a", Cause::Refused), 10 * MEMBERS as u64);
    assert_eq!(counts.sent("a"), 10 * (HEARTBEAT_SAMPLES - MEMBERS) as u64);
    // Later batches: the whole batch, the batch without the refused series, and each of these.
    let later = 9 * (2 + MEMBERS);
    assert!(sink.seen().requests.len() - later < 130, "{}", sink.seen().requests.len());
}

#[tokio::test]
async fn number_of_search_requests_is_limited() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Respond(400, None));
    let mut config = config(vec![SinkConfig { max_search_requests: 10, ..sink_config("a", &sink) }]);
    config.packing.shards = 1;
    config.packing.max_batch_samples = 1000;
    let relay = Relay::start(config).unwrap();
    heartbeat(&relay, start_time(), 0);
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    let (alone, together) =
        (counts.dropped("a", Cause::Refused), counts.dropped("a", Cause::RefusedTogether));
    assert_eq!(alone + together, HEARTBEAT_SAMPLES as u64);
    assert!(sink.seen().requests.len() <= 11 * 3, "{}", sink.seen().requests.len());
}

#[tokio::test]
async fn sink_that_refuses_everything_gets_one_request_per_batch() {
    let sink = TestSink::start().await;
    sink.behave(Behaviour::Respond(401, None));
    let relay = start(vec![sink_config("a", &sink)]);
    heartbeat(&relay, start_time(), 0);
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_mins(1)).await;
    assert_eq!(counts.dropped("a", Cause::Misdirected), HEARTBEAT_SAMPLES as u64);
    assert_eq!(counts.requests("a", Outcome::Refused), sink.seen().requests.len() as u64);
    assert!(sink.seen().requests.len() < 20);
}

#[tokio::test]
async fn samples_that_become_too_old_are_dropped() {
    let sink = TestSink::start().await;
    let max_age = Duration::from_mins(10);
    let start_at = start_time();
    for (start_at, number, too_old) in
        [(start_at, 0, HEARTBEAT_SAMPLES as u64), (start_at + 25 * 60_000, 1, 0)]
    {
        let relay = start(vec![SinkConfig { max_age, ..sink_config("a", &sink) }]);
        heartbeat(&relay, start_at, number);
        let counts = relay.counts().clone();
        relay.shut_down(Duration::from_mins(1)).await;
        assert_eq!(counts.dropped("a", Cause::TooOld), too_old);
    }
    assert_received(&sink, start_at + 25 * 60_000, 1..2);
}

#[tokio::test]
async fn series_of_a_leaving_cluster_end() {
    let sink = TestSink::start().await;
    let relay = start(vec![sink_config("a", &sink)]);
    let start_at = start_time();
    heartbeat(&relay, start_at, 0);
    let paris = ClusterName::new("paris").unwrap();
    assert_eq!(relay.silent_since(UnixMillis(start_at)).await, []);
    assert_eq!(relay.silent_since(UnixMillis(start_at + 1)).await, std::slice::from_ref(&paris));
    relay.end(paris);
    wait_for_heartbeats(&sink, 2).await;
    for samples in sink.seen().stored.values() {
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[1].1, relay::remote_write::STALE_NAN);
    }
    assert_eq!(relay.silent_since(UnixMillis(i64::MAX)).await, []);
}

#[tokio::test]
async fn credentials_are_sent_to_a_sink_with_tls() {
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
    let start_at = start_time();
    heartbeat(&relay, start_at, 0);
    wait_for_heartbeats(&sink, 1).await;
    assert_received(&sink, start_at, 0..1);
    assert!(sink.seen().headers.iter().all(|headers| headers["authorization"] == "Bearer a-token"));
    let counts = relay.counts().clone();
    relay.shut_down(Duration::from_millis(500)).await;
    assert_eq!(counts.sent("b"), 0);
    assert_eq!(counts.dropped("b", Cause::Ended), HEARTBEAT_SAMPLES as u64);
}
