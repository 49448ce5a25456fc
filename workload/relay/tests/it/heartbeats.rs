//! Heartbeats of a small cluster for a relay, and checks that a sink has received them.

use std::time::Duration;

use protocol::ClusterName;
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Exposition, Relay, SinkConfig};

use crate::sink::TestSink;

pub(crate) const MEMBERS: usize = 10;
pub(crate) const METRICS: usize = 20;
pub(crate) const HEARTBEAT_SAMPLES: usize = MEMBERS * METRICS;

pub(crate) fn endpoint(sink: &TestSink) -> Endpoint {
    Endpoint {
        url: format!("http://{}/api/v1/write", sink.address).parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_secs(30),
    }
}

pub(crate) fn sink_config(name: &str, sink: &TestSink) -> SinkConfig {
    let backoff =
        Backoff { first: Duration::from_millis(5), max: Duration::from_millis(50), breaks_after: 3 };
    SinkConfig { backoff, ..SinkConfig::new(name, endpoint(sink)) }
}

pub(crate) fn config(sinks: Vec<SinkConfig>) -> Config {
    let mut config = Config::new(sinks);
    config.packing.linger = Duration::from_millis(5);
    config.packing.max_batch_samples = 64;
    config
}

pub(crate) fn start(sinks: Vec<SinkConfig>) -> Relay {
    Relay::start(config(sinks)).unwrap()
}

/// A time in the past, because heartbeats must not be in the future.
pub(crate) fn start_time() -> i64 {
    UnixMillis::now().minus(Duration::from_mins(30)).0
}

/// One heartbeat of a cluster. Its values are its number.
pub(crate) fn heartbeat(relay: &Relay, start: i64, number: i64) {
    for member in 0..MEMBERS {
        relay.accept(exposition(member, METRICS, number, start + number * 1000));
    }
}

/// One member's exposition in the heartbeat with this number.
pub(crate) fn exposition(member: usize, metrics: usize, number: i64, received: i64) -> Exposition {
    let lines: Vec<_> = (0..metrics).map(|metric| format!("metric_{metric} {number}")).collect();
    Exposition {
        cluster: ClusterName::new("paris").unwrap(),
        member: format!("node-{member}"),
        service: "LXD".to_owned(),
        received: UnixMillis(received),
        escaped: lines.join("\\n").into(),
    }
}

/// Checks that every series has a sample of each of these heartbeats, in order.
pub(crate) fn assert_received(sink: &TestSink, start: i64, heartbeats: std::ops::Range<i64>) {
    let seen = sink.seen();
    assert_eq!(seen.stored.len(), HEARTBEAT_SAMPLES);
    #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
    let expected: Vec<_> =
        heartbeats.map(|number| (start + number * 1000, (number as f64).to_bits())).collect();
    for (labels, samples) in &seen.stored {
        assert_eq!(samples, &expected, "{labels:?}");
    }
}

pub(crate) async fn wait_for_heartbeats(sink: &TestSink, heartbeats: usize) {
    sink.until(|seen| seen.samples >= heartbeats * HEARTBEAT_SAMPLES).await;
}
