//! The hub's own metrics and those that it relays, in a real Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use agent::client::{MetricsText, Report};
use fleet::Role;
use harness::hub::UNLIMITED;
use harness::sink_gate::Behaviour;
use harness::{Hub, ManagementUnit, Prometheus, SinkGate, wait};

const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_the_hubs_own_metrics_with_types_and_help() {
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &UNLIMITED);
    hub.add_unit().await;
    let site = hub.enrol("zürich \"1\"").await;
    site.heartbeat(Report::default().encode()).await.unwrap();
    let status = hub.units()[0].status;
    let prometheus = Prometheus::start(&[("hub", status)]).await;
    wait::until("the cluster is seen", TIMEOUT, async || {
        let up = prometheus.query("cluster_manager_cluster_up").await;
        up.iter().any(|(labels, value)| labels["cluster"] == "zürich \"1\"" && value.to_string() == "1")
    })
    .await;
    let heard = prometheus.query("cluster_manager_heartbeats_total{outcome=\"accepted\"}").await;
    assert_eq!(heard[0].1.to_string(), "1");
    let metadata = prometheus.api("/api/v1/targets/metadata", &[]).await;
    let metadata = metadata.as_array().unwrap();
    assert!(metadata.len() > 20, "{metadata:?}");
    for metric in metadata {
        assert_ne!(metric["type"], "unknown", "{metric}");
        assert!(!metric["help"].as_str().unwrap().is_empty(), "{metric}");
        assert!(metric["metric"].as_str().unwrap().starts_with("cluster_manager_"), "{metric}");
    }

    let answer = reqwest::get(format!("http://{status}/metrics")).await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = as_text_format(&answer.text().await.unwrap());
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let complaints =
        String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{complaints}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_and_recovered_sink_are_shown() {
    let prometheus = Prometheus::start(&[]).await;
    let gate = SinkGate::start(prometheus.write_url());
    gate.behave(Behaviour::Stopped);
    let url = gate.write_url();
    let settings = [UNLIMITED[0], UNLIMITED[1], ("PROMETHEUS_BASE_URL", url.as_str())];
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    hub.add_unit().await;
    let unit = ManagementUnit::start(&hub).await;
    let viewer = unit.as_role(&hub, Role::Viewer).await;
    let says = async |state: &str| {
        let mut sink = serde_json::Value::Null;
        wait::until(state, TIMEOUT, async || {
            sink = viewer.get("/1.0/metrics-sink").await.metadata()[0].clone();
            sink["state"] == state
        })
        .await;
        sink
    };
    assert_eq!(says("idle").await["sink"], gate.address.to_string().replace(':', "_"));

    let site = hub.enrol("paris").await;
    let text =
        MetricsText { member: "m1".to_owned(), service: "LXD".to_owned(), metrics: "up 1\n".to_owned() };
    let report = Report { metrics: vec![text], ..Report::default() };
    site.heartbeat(report.encode()).await.unwrap();
    let failing = says("failing").await;
    assert!(failing["reason"].as_str().unwrap().contains("refused"), "{failing}");
    assert!(failing["waiting_bytes"].as_i64().unwrap() > 0, "{failing}");
    gate.behave(Behaviour::Accept);
    let taking = says("taking").await;
    assert_eq!(
        (&taking["samples_sent"], &taking["reason"]),
        (&serde_json::json!(1), &serde_json::Value::Null)
    );
}

/// OpenMetrics in Prometheus' older format, which promtool reads: there the name of a counter ends in `_total` in all of
/// its lines, and a build's information is a gauge.
fn as_text_format(open_metrics: &str) -> String {
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    for line in open_metrics.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            types.insert(name, kind);
        }
    }
    let mut text = String::new();
    for line in open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let described = line.strip_prefix("# ").and_then(|rest| {
            let mut words = rest.splitn(3, ' ');
            Some((words.next()?, words.next()?, words.next()?))
        });
        match described {
            None => writeln!(text, "{line}").unwrap(),
            Some((what, name, rest)) => {
                let kind = types.get(name).copied().unwrap_or_default();
                let suffix = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                let rest = if what == "TYPE" && kind == "info" { "gauge" } else { rest };
                writeln!(text, "# {what} {name}{suffix} {rest}").unwrap();
            }
        }
    }
    text
}
