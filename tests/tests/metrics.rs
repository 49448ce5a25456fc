//! What a real Prometheus makes of the hub: of its own metrics, and of those that it relays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use agent::client::Report;
use harness::hub::UNLIMITED;
use harness::{Hub, Prometheus, wait};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_the_hubs_own_metrics_with_types_and_help() {
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &UNLIMITED);
    hub.add_unit().await;
    let site = hub.enrol("zürich \"1\"").await;
    site.heartbeat(Report::default().encode()).await.unwrap();
    let status = hub.units()[0].status;
    let prometheus = Prometheus::start(&[("hub", status)]).await;
    wait::until("the cluster is seen", PATIENCE, async || {
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

/// OpenMetrics in Prometheus' older format, which promtool reads: there a counter's name ends in `_total` in all of
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
