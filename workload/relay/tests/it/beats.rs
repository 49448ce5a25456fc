//! Heartbeats of a small cluster for a relay, and whether a sink has them all.

use std::time::Duration;

use protocol::ClusterName;
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Exposition, Relay, SinkConfig};

use crate::sink::TestSink;

pub(crate) const MEMBERS: usize = 10;
pub(crate) const METRICS: usize = 20;
pub(crate) const BEAT: usize = MEMBERS * METRICS;

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
        Backoff { first: Duration::from_millis(5), most: Duration::from_millis(50), breaks_after: 3 };
    SinkConfig { backoff, ..SinkConfig::new(name, endpoint(sink)) }
}

pub(crate) fn config(sinks: Vec<SinkConfig>) -> Config {
    let mut config = Config::new(sinks);
    config.packing.linger = Duration::from_millis(5);
    config.packing.samples = 64;
    config
}

pub(crate) fn start(sinks: Vec<SinkConfig>) -> Relay {
    Relay::start(config(sinks)).unwrap()
}

/// Minutes may pass quickly, but not into the future.
pub(crate) fn beginning() -> i64 {
    UnixMillis::now().minus(Duration::from_mins(30)).0
}

/// One heartbeat of a cluster. Values say which one it was.
pub(crate) fn beat(relay: &Relay, begun: i64, number: i64) {
    for member in 0..MEMBERS {
        relay.accept(exposition(member, METRICS, number, begun + number * 1000));
    }
}

/// What one member has to say in the heartbeat with this number.
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

/// Every series has every one of these beats once, in order.
pub(crate) fn has_all(sink: &TestSink, begun: i64, beats: std::ops::Range<i64>) {
    let seen = sink.seen();
    assert_eq!(seen.stored.len(), BEAT);
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    let expected: Vec<_> = beats.map(|number| (begun + number * 1000, (number as f64).to_bits())).collect();
    for (labels, samples) in &seen.stored {
        assert_eq!(samples, &expected, "{labels:?}");
    }
}

pub(crate) async fn until_all(sink: &TestSink, beats: usize) {
    sink.until(|seen| seen.samples >= beats * BEAT).await;
}
