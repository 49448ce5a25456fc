//! The main task with a real LXD: enrol, report, see a container stop, leave; and its metrics in a real Prometheus.

use std::time::Duration;

use harness::hub::Hub;
use harness::lxd::PrivateLxd;
use harness::process::{Ended, run};
use harness::programs::source_tree;
use harness::{Prometheus, wait};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the agent as an administrator does.
fn agent(lxd: &PrivateLxd, state: &std::path::Path, arguments: &[&str]) -> Ended {
    let variables = [("LXD_DIR".to_owned(), lxd.lxd_dir().to_string_lossy().into_owned())];
    let mut all = vec!["--state-dir", state.to_str().unwrap()];
    all.extend(arguments);
    run("cluster-agent", &variables, all)
}

fn count(shown: &serde_json::Value, list: &str, status: &str) -> i64 {
    let entries = shown[list].as_array().unwrap().iter().filter(|entry| entry["status"] == status);
    entries.map(|entry| entry["count"].as_i64().unwrap()).sum()
}

/// Every container of the member is in Prometheus, with the values that LXD itself exposes.
async fn metrics_are_what_lxd_says(lxd: &PrivateLxd, prometheus: &Prometheus) {
    let member = lxd.query("/1.0")["environment"]["server_name"].as_str().unwrap().to_owned();
    let selector = format!(r#"{{job="cellar",instance="{member}",member="{member}",project="default"}}"#);
    wait::until("the metrics arrive", TIMEOUT, async || {
        prometheus.query(&format!("lxd_procs_total{selector}")).await.len() == 3
    })
    .await;
    // Values that do not change between two requests: each container's memory and root file system.
    let exposed = lxd.lxc(["query", "--raw", "/1.0/metrics"]);
    let mut compared = 0;
    for line in
        exposed.lines().filter(|line| line.contains("_MemTotal_bytes{") || line.contains("_size_bytes{"))
    {
        let (series, value) = line.trim().rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap();
        let promql = format!(r#"{name}{{job="cellar",member="{member}",{labels}"#);
        let found = prometheus.query(&promql).await;
        assert_eq!(found.len(), 1, "{promql}: {found:?}");
        let value: f64 = value.parse().unwrap();
        assert_eq!(found[0].1.to_string(), value.to_string(), "{promql}");
        compared += 1;
    }
    assert!(compared >= 6, "{exposed}");
    let all = prometheus.query(r#"count({job="cellar"})"#).await[0].1;
    let lines = exposed.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).count();
    assert_eq!(all.to_string(), lines.to_string(), "every series, and no other");
}

/// Every panel of every dashboard has data, except for what did not happen here.
async fn dashboards_are_answered(prometheus: &Prometheus) {
    // Nothing was refused or lost, nothing is late or runs out; the containers have no network except loopback and
    // no disk of their own; LXD 5.0 does not expose some of these yet.
    const MAY_BE_EMPTY: [&str; 13] = [
        "> 0",
        "< 90 * 86400",
        r#"device!="lo""#,
        "lxd_uptime_seconds",
        "lxd_operations_total",
        "lxd_warnings_total",
        "lxd_disk_",
        "lxd_goroutines",
        "lxd_instances",
        "lxd_cpu_effective_total",
        "_dropped_total",
        "_left_out_total",
        "bad_lines_total",
    ];
    let (mut asked, mut empty) = (0, Vec::new());
    for file in ["fleet", "cluster", "hub"] {
        let path = source_tree().join("charm/dashboards").join(format!("{file}.json"));
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().unwrap();
                let expression = expression.replace("$job", "cellar").replace("$__rate_interval", "5m");
                let expression = ["$member", "$project", "$name", "$unit"]
                    .iter()
                    .fold(expression, |text, variable| text.replace(variable, ".*"));
                asked += 1;
                if prometheus.query(&expression).await.is_empty() {
                    empty.push(format!("{file}: {}: {expression}", panel["title"]));
                }
            }
        }
    }
    println!("{asked} expressions of dashboards, {} of them empty: {empty:#?}", empty.len());
    empty.retain(|expression| !MAY_BE_EMPTY.iter().any(|part| expression.contains(part)));
    assert!(empty.is_empty(), "{empty:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_lxd_enrols_reports_its_state_and_leaves() {
    let folder = store::testing::scratch_folder("lxd");
    std::fs::create_dir_all(&folder).unwrap();
    let lxd = PrivateLxd::start(&folder);
    let prometheus = Prometheus::start(&[]).await;
    let sink = [("PROMETHEUS_BASE_URL", prometheus.write_url())];
    let sink = sink.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &sink);
    hub.add_unit().await;
    let state = tempfile::tempdir().unwrap();
    let agent = |arguments: &[&str]| agent(&lxd, state.path(), arguments);

    let joined = agent(&["join", &hub.token("cellar")]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    let beat = agent(&["run", "--once"]);
    assert_eq!(beat.code, Some(0), "{beat:?}");
    let shown = hub.shown("cellar");
    assert_eq!(shown["health"]["state"], "fresh");
    assert_eq!(count(&shown, "instance_statuses", "Running"), 3);
    assert_eq!(count(&shown, "member_statuses", "Online"), 1);

    // What LXD itself reports about the machine. Totals do not change; usage changes a little.
    let resources = lxd.query("/1.0/resources");
    assert_eq!(shown["memory_total_amount"], resources["memory"]["total"]);
    let pool = lxd.query("/1.0/storage-pools/default/resources");
    let reported = &shown["storage_pool_usages"][0];
    assert_eq!(reported["name"], "default");
    assert_eq!(reported["member"], lxd.query("/1.0")["environment"]["server_name"]);
    assert_eq!(reported["total"], pool["space"]["total"]);
    let near = |ours: &serde_json::Value, theirs: &serde_json::Value| {
        let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
        (ours - theirs).abs() <= theirs * 0.1
    };
    assert!(near(&reported["usage"], &pool["space"]["used"]), "{reported} and {pool}");
    assert_eq!(shown["cpu_total_count"], resources["cpu"]["total"]);
    let load: f64 = shown["cpu_load_1"].as_str().unwrap().parse().unwrap();
    assert!(load >= 0.0);

    metrics_are_what_lxd_says(&lxd, &prometheus).await;

    lxd.lxc(["stop", "--force", "web-2"]);
    assert_eq!(agent(&["run", "--once"]).code, Some(0));
    let shown = hub.shown("cellar");
    assert_eq!(count(&shown, "instance_statuses", "Running"), 2, "a stopped container shows within one beat");
    assert_eq!(count(&shown, "instance_statuses", "Stopped"), 1);

    prometheus.scrape(&[("hub", hub.units()[0].status)]);
    wait::until("rates and the cluster's own figures are there", TIMEOUT, async || {
        let rate = r#"rate(lxd_network_receive_bytes_total{job="cellar"}[5m])"#;
        let hub = "rate(cluster_manager_heartbeats_total[1m]) and on() cluster_manager_cluster_up";
        !prometheus.query(rate).await.is_empty() && !prometheus.query(hub).await.is_empty()
    })
    .await;
    dashboards_are_answered(&prometheus).await;

    let left = agent(&["leave"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(hub.store.cluster("cellar").await.unwrap().is_none());
    wait::until("its series end", TIMEOUT, async || {
        prometheus.query(r#"lxd_procs_total{job="cellar"}"#).await.is_empty()
    })
    .await;
    drop(lxd);
    let _ = std::fs::remove_dir_all(&folder);
}
