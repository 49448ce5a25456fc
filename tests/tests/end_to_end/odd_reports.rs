//! Odd values in a report never silence a living cluster (contract 1.2).

use agent::client::{ClusterClient, Request};
use harness::Hub;
use http::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const STATUS: &str = "/1.0/remote-cluster/status";
/// Each is a heartbeat, and two commands that show the cluster.
const CASES: usize = 40;

async fn status_of(site: &ClusterClient, body: String) -> u16 {
    let answer = site.exchange(Request::new(Method::POST, STATUS, body)).await.unwrap();
    answer.response.status.as_u16()
}

/// The texts of the warnings of a kind.
fn warnings(cluster: &Value, kind: &str) -> Vec<String> {
    let all = cluster["warnings"].as_array().unwrap().iter();
    all.filter(|warning| warning["kind"] == kind)
        .map(|warning| warning["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_value_costs_its_field_and_is_one_warning_until_it_is_gone() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let odd = json!({"memory_usage": -33_554_432, "memory_total_amount": 1000, "cpu_load_1": "NaN", "cpu_load_5": "0.5",
        "member_statuses": [{"status": "Online", "count": 3}, {"status": "Online", "count": -1}],
        "lxd_url": "https://m1:8443", "ui_url": "https://old:8443", "cluster_uuid": "0193-a"});
    assert_eq!(status_of(&site, odd.to_string()).await, 200);
    let shown = hub.shown("a");
    for (field, value) in [
        ("memory_usage", json!(0)),
        ("memory_total_amount", json!(1000)),
        ("cpu_load_1", json!("")),
        ("cpu_load_5", json!("0.5")),
        ("member_count", json!(3)),
        ("ui_url", json!("https://m1:8443")),
        ("lxd_url", json!("https://m1:8443")),
        ("cluster_uuid", json!("0193-a")),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["health"]["state"], "fresh");
    let text = "left out of the last report: cpu_load_1 (not a decimal number of 0 or more), \
        member_statuses (negative), memory_usage (negative)";
    assert_eq!(warnings(&shown, "report"), [text]);
    assert_eq!(status_of(&site, json!({"memory_usage": 5}).to_string()).await, 200);
    let shown = hub.shown("a");
    assert!(warnings(&shown, "report").is_empty());
    assert_eq!((&shown["memory_usage"], &shown["cluster_uuid"]), (&json!(5), &json!("")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_odd_value_is_stored_without() {
    let hub = Hub::start_unlimited().await;
    let site = hub.enrol("a").await;
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        r#"{"memory_usage":1e400}"#,
        r#"{"memory_usage":9223372036854775808}"#,
        r#"{"memory_usage":1,"memory_usage":2}"#,
        r#"{"ui_url":"\u0000"}"#,
        r#"{"ui_url":"\ud800"}"#,
        r#"{"cluster_uuid":5}"#,
        r#"{"member_statuses":[{"status":"Online","count":4294967295},{"status":"","count":1}]}"#,
        r#"{"member_statuses":{}}"#,
        r#"{"storage_pool_usages":[{},null,5,{"name":"\u0000"}]}"#,
        r#"{"server_metrics":[{"metrics":{}},{"member":"m1","metrics":"\ud800 odd"}]}"#,
        &deep,
    ] {
        let shown: String = body.chars().take(60).collect();
        assert_eq!(status_of(&site, body.to_owned()).await, 200, "{shown}");
    }
}

/// A JSON object with the names of a report in it, and anything as their values.
fn any_report() -> impl Strategy<Value = Value> {
    let names = [
        "ceph_statuses",
        "cpu_total_count",
        "cpu_load_1",
        "memory_total_amount",
        "memory_usage",
        "storage_pool_usages",
        "member_statuses",
        "instance_statuses",
        "server_metrics",
        "ui_url",
        "lxd_url",
        "cluster_uuid",
        "status",
        "count",
        "name",
        "member",
        "total",
        "usage",
        "metrics",
        "unknown",
    ];
    let text = prop_oneof![
        any::<String>(),
        "[ -~]{0,300}",
        prop::sample::select(vec!["Online", "Error", "NaN", "1.5", "-1", "\0", "a 1\nb{x=\"1\"} 2\n"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let object = move |inner| {
        prop::collection::vec((prop::sample::select(names.to_vec()), inner), 0..12).prop_map(|entries| {
            Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        })
    };
    let value = leaf.prop_recursive(3, 40, 6, move |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from), object(inner)]
    });
    object(value.boxed())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_json_object_is_a_heartbeat() {
    let hub = Hub::start_unlimited().await;
    let site = hub.enrol("a").await;
    let mut runner = TestRunner::deterministic();
    let mut last = String::new();
    for case in 0..CASES {
        let body = any_report().new_tree(&mut runner).unwrap().current().to_string();
        assert_eq!(status_of(&site, body.clone()).await, 200, "case {case}: {body}");
        let shown = hub.shown("a");
        let at = shown["last_heartbeat_at"].as_str().unwrap();
        assert!(*at > *last, "case {case}: the last heartbeat did not move: {body}");
        last = at.to_owned();
    }
}
