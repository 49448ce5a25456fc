//! A real Prometheus accepts what is relayed, keeps it when it is killed and when the relay is, and ends what ended.

use std::path::Path;
use std::time::Duration;

use agent::client::{ClusterClient, MetricsText, Report};
use harness::hub::UNLIMITED;
use harness::{Hub, Prometheus, wait};
use protocol::ClusterName;
use relay::counts::Cause;
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Exposition, Relay, SinkConfig, SpoolConfig};
use tempfile::TempDir;
use time::OffsetDateTime;

const LXD: &str = include_str!("../../../workload/exposition/tests/fixtures/lxd-5.0.txt");
const SAMPLES: usize = 99;
const TIMEOUT: Duration = Duration::from_secs(60);

/// The single value of a query at this time.
async fn number(prometheus: &Prometheus, query: &str, at: UnixMillis) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).unwrap();
    let found = prometheus.query_at(query, at).await;
    found.first().map_or("none".to_owned(), |(_, value)| value.to_string())
}

fn relay(prometheus: &str, spool: &Path) -> Relay {
    let endpoint = Endpoint {
        url: prometheus.parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_secs(5),
    };
    let backoff =
        Backoff { first: Duration::from_millis(20), max: Duration::from_millis(200), breaks_after: 5 };
    let spool = SpoolConfig { directory: spool.to_owned(), bytes: 64 << 20 };
    let mut config =
        Config::new(vec![SinkConfig { backoff, spool: Some(spool), ..SinkConfig::new("a", endpoint) }]);
    config.packing.linger = Duration::from_millis(20);
    Relay::start(config).unwrap()
}

fn beat(relay: &Relay, member: &str, at: UnixMillis, text: &str) {
    relay.accept(Exposition {
        cluster: ClusterName::new("paris-1").unwrap(),
        member: member.to_owned(),
        service: "LXD".to_owned(),
        received: at,
        escaped: text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").into(),
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_accepts_and_keeps_relayed_samples() {
    let folder = TempDir::new().unwrap();
    let spool = folder.path().join("spool");
    let begun = UnixMillis::now().minus(Duration::from_mins(40));
    let minute = |number: u64| begun.plus(Duration::from_mins(number));
    let prometheus = Prometheus::start(&[]).await;
    let address = prometheus.write_url();

    // Two members of one cluster, with equal series.
    let first = relay(&address, &spool);
    for member in ["node-1", "node-2"] {
        beat(&first, member, minute(0), LXD);
    }
    let all = (2 * SAMPLES) as u64;
    wait::until("two members", TIMEOUT, async || first.counts().sent("a") == all).await;
    assert_eq!(number(&prometheus, "count({job='paris-1'})", minute(0)).await, "198");
    let one = "lxd_procs_total{member='node-2',instance='node-2',name='web-2',project='default'}";
    assert_eq!(number(&prometheus, one, minute(0)).await, "2");

    // Only the series that is out of order is dropped.
    let odd = format!("{LXD}odd 1 {}\n", minute(1).0);
    beat(&first, "node-1", minute(1), &odd);
    let odd = format!("{LXD}odd 2 {}\n", minute(0).0);
    beat(&first, "node-1", minute(2), &odd);
    wait::until("a bad series", TIMEOUT, async || first.counts().dropped("a", Cause::Refused) == 1).await;
    wait::until("all others", TIMEOUT, async || first.counts().sent("a") == all + 2 * SAMPLES as u64 + 1)
        .await;
    assert_eq!(number(&prometheus, "count({member='node-1'} offset -1s)", minute(2)).await, "100");

    // It is killed; so is the relay, as far as that is possible for a part of a process.
    let killed = prometheus.kill();
    for number in 3..13 {
        beat(&first, "node-1", minute(number), LXD);
    }
    // Of the odd series there are two samples and, as it is no longer exposed, the end marker.
    let handed_over = all + (12 * SAMPLES) as u64 + 3;
    while first.counts().queued() < handed_over {
        tokio::task::yield_now().await;
    }
    first.shut_down(Duration::from_millis(100)).await;
    let second = relay(&address, &spool);
    for number in 13..20 {
        beat(&second, "node-1", minute(number), LXD);
    }
    let prometheus = killed.start().await;
    let waited = (17 * SAMPLES) as u64 + 1;
    wait::until("what waited", TIMEOUT, async || second.counts().sent("a") == waited).await;
    let each = "count(count_over_time(lxd_procs_total{member='node-1'}[21m]) == 20)";
    assert_eq!(number(&prometheus, each, minute(20)).await, "3");

    // The cluster leaves: its series end at once, not after five minutes.
    let last = UnixMillis::now();
    beat(&second, "node-1", last, LXD);
    wait::until("the last", TIMEOUT, async || second.counts().sent("a") == waited + SAMPLES as u64).await;
    assert_eq!(number(&prometheus, "count({member='node-1'})", last).await, "99");
    second.end(ClusterName::new("paris-1").unwrap());
    wait::until("the end", TIMEOUT, async || second.counts().sent("a") >= waited + 2 * SAMPLES as u64).await;
    assert!(prometheus.query("{member='node-1'}").await.is_empty());
    second.shut_down(Duration::from_secs(10)).await;
}

/// The members of a report with their texts, and what is alive after it.
type Reported<'a> = (Vec<(&'a str, String)>, &'a [&'a str]);

/// The series that a query at this time finds, by member and name.
async fn alive(prometheus: &Prometheus, query: &str, at: UnixMillis) -> Vec<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).unwrap();
    let found = prometheus.query_at(query, at).await;
    let text = |labels: &serde_json::Value, name: &str| labels[name].as_str().unwrap_or_default().to_owned();
    let mut alive: Vec<_> =
        found.iter().map(|(labels, _)| text(labels, "member") + " " + &text(labels, "name")).collect();
    alive.sort();
    alive
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_series_are_gone_with_the_next_exposition_and_others_continue() {
    let folder = TempDir::new().unwrap();
    let begun = UnixMillis::now().minus(Duration::from_mins(30));
    let prometheus = Prometheus::start(&[]).await;
    let relay = relay(&prometheus.write_url(), &folder.path().join("spool"));
    let cluster = ClusterName::new("paris-1").unwrap();
    let line = |name: &str| format!("lxd_up{{name=\"{name}\"}} 1\n");
    let reports: [Reported<'_>; 6] = [
        (
            vec![("m1", line("stays") + &line("goes") + &line("moves")), ("m2", line("stays"))],
            &["m1 goes", "m1 moves", "m1 stays", "m2 stays"],
        ),
        (
            vec![("m1", line("stays") + &line("moves")), ("m2", line("stays"))],
            &["m1 moves", "m1 stays", "m2 stays"],
        ),
        (
            vec![("m1", line("stays")), ("m2", line("moves") + &line("stays"))],
            &["m1 stays", "m2 moves", "m2 stays"],
        ),
        // The exposition of m1 cannot be read.
        (
            vec![("m1", "<html>".to_owned()), ("m2", line("moves") + &line("stays"))],
            &["m2 moves", "m2 stays"],
        ),
        // It can again, and m2 is gone.
        (vec![("m1", line("stays") + &line("goes"))], &["m1 goes", "m1 stays"]),
        (vec![("m1", line("goes") + &line("stays"))], &["m1 goes", "m1 stays"]),
    ];
    let mut sent = 0;
    for ((report, expected), number) in reports.into_iter().zip(0..) {
        let at = begun.plus(Duration::from_mins(number));
        let ended = relay.counts().series_ended();
        let expositions = report.into_iter().map(|(member, text)| Exposition {
            cluster: cluster.clone(),
            member: member.to_owned(),
            service: "LXD".to_owned(),
            received: at,
            escaped: text.replace('"', "\\\"").replace('\n', "\\n").into(),
        });
        relay.accept_report(&cluster, at, expositions);
        // Each report changes what is alive by what ended.
        let ends = [0, 1, 1, 1, 2, 0][usize::try_from(number).unwrap()];
        sent += expected.len() as u64 + ends;
        wait::until("the report", TIMEOUT, async || relay.counts().sent("a") == sent).await;
        assert_eq!(relay.counts().series_ended() - ended, ends);
        assert_eq!(alive(&prometheus, "lxd_up", at).await, expected, "report {number}");
    }
    relay.shut_down(Duration::from_secs(10)).await;
    assert_eq!(
        alive(&prometheus, "lxd_up", begun.plus(Duration::from_mins(5))).await,
        ["m1 goes", "m1 stays"]
    );
}

/// A hub that relays to this Prometheus.
async fn hub(prometheus: &Prometheus, settings: &[(&str, &str)]) -> Hub {
    let url = prometheus.write_url();
    let mut all = vec![UNLIMITED[0], UNLIMITED[1], ("PROMETHEUS_BASE_URL", url.as_str())];
    all.extend_from_slice(settings);
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &all);
    hub.add_unit().await;
    hub
}

/// Sends a heartbeat with the expositions of these members.
async fn report(site: &ClusterClient, members: &[(&str, &str)]) {
    let metrics = members.iter().map(|(member, metrics)| MetricsText {
        member: (*member).to_owned(),
        service: "LXD".to_owned(),
        metrics: (*metrics).to_owned(),
    });
    let report = Report { metrics: metrics.collect(), ..Report::default() };
    site.heartbeat(report.encode()).await.unwrap();
}

/// Waits until exactly these series are alive, by member and name. Prometheus would end them after five minutes.
async fn expect_alive(prometheus: &Prometheus, expected: &[&str]) {
    let mut alive = Vec::new();
    let waited = wait::until("the series", TIMEOUT, async || {
        let text = |labels: &serde_json::Value, name: &str| labels[name].as_str().unwrap().to_owned();
        let found = prometheus.query("lxd_up{job='paris'}").await;
        alive =
            found.iter().map(|(labels, _)| text(labels, "member") + " " + &text(labels, "name")).collect();
        alive.sort();
        alive == expected
    });
    waited.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn series_end_with_the_heartbeat_that_lacks_them() {
    let prometheus = Prometheus::start(&[]).await;
    let hub = hub(&prometheus, &[]).await;
    let site = hub.enrol("paris").await;
    let both = "lxd_up{name=\"goes\"} 1\nlxd_up{name=\"stays\"} 1\n";
    report(&site, &[("m1", both), ("m2", both)]).await;
    expect_alive(&prometheus, &["m1 goes", "m1 stays", "m2 goes", "m2 stays"]).await;
    report(&site, &[("m1", "lxd_up{name=\"stays\"} 1\n"), ("m2", both)]).await;
    expect_alive(&prometheus, &["m1 stays", "m2 goes", "m2 stays"]).await;
    // A whole member is gone.
    report(&site, &[("m1", "lxd_up{name=\"stays\"} 1\n")]).await;
    expect_alive(&prometheus, &["m1 stays"]).await;
    agent::client::leave(&site).await.unwrap();
    expect_alive(&prometheus, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_with_too_many_series_has_a_warning() {
    let prometheus = Prometheus::start(&[]).await;
    let hub = hub(&prometheus, &[("RELAY_CLUSTER_SERIES", "2")]).await;
    let [heavy, light] = [hub.enrol("paris").await, hub.enrol("rome").await];
    let three = "lxd_up{name=\"a\"} 1\nlxd_up{name=\"b\"} 1\nlxd_up{name=\"c\"} 1\n";
    wait::until("the warning", TIMEOUT, async || {
        report(&heavy, &[("m1", three)]).await;
        report(&light, &[("m1", "lxd_up{name=\"a\"} 1\n")]).await;
        let shown = hub.shown("paris");
        shown["warnings"].as_array().unwrap().iter().any(|warning| {
            warning["kind"] == "metrics" && warning["text"].as_str().unwrap().contains("RELAY_CLUSTER_SERIES")
        })
    })
    .await;
    assert!(hub.shown("rome")["warnings"].as_array().unwrap().is_empty());
    expect_alive(&prometheus, &["m1 a", "m1 b"]).await;
}
