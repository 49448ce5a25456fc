//! Honest clients beside an attack: clusters that report, somebody who reads the list, and a probe of the status port.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::Hub;
use harness::management::Api;
use harness::simulated::Fleet;
use serde_json::Value;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

/// The heartbeats of all honest clusters together: those of a thousand at the usual interval, and some more.
const HEARTBEATS_PER_SECOND: &str = "20";
/// The size of their metrics.
const METRICS_KB: &str = "8";
/// How long a person waits for a page, and a probe for the status.
const PATIENCE: Duration = Duration::from_secs(10);

/// What honest clients saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The median of a heartbeat, from when it was due.
    pub(crate) heartbeat_ms: f64,
    /// The longest of them.
    pub(crate) slowest_heartbeat_ms: f64,
    /// The median of a page of the list.
    pub(crate) page_ms: f64,
    /// What failed, and how often.
    pub(crate) failures: BTreeMap<String, u64>,
    /// The acknowledged heartbeats of each cluster.
    pub(crate) acknowledged: BTreeMap<String, usize>,
}

/// The addresses and the credentials of readers.
pub(crate) struct Readers<'a> {
    /// The hub.
    pub(crate) hub: &'a Hub,
    /// The port of the management API.
    pub(crate) management: u16,
    /// The status port of the connector.
    pub(crate) status: u16,
    /// A service account's token.
    pub(crate) token: String,
}

/// Reports and reads for this long.
pub(crate) async fn clients(fleet: &Fleet, clusters: usize, readers: &Readers<'_>, seconds: u64) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let acked: PathBuf = folder.path().join("acked");
    let mut arguments: Vec<_> =
        ["--rate", HEARTBEATS_PER_SECOND, "--metrics-kb", METRICS_KB, "--acked"].map(str::to_owned).to_vec();
    arguments.extend([acked.to_str().unwrap().to_owned(), "--duration".to_owned(), format!("{seconds}s")]);
    let done = CancellationToken::new();
    let beating = async {
        let report = fleet.simulate(clusters, &arguments).await;
        done.cancel();
        report
    };
    let token = Some(readers.token.clone());
    let page = async || {
        let api = Api::of(readers.hub, readers.management, token.clone());
        let response = api.request("GET", "/1.0/remote-cluster?limit=50").send().await;
        body_of("page", response).await
    };
    let status = async || {
        let client = reqwest::Client::new();
        body_of("status", client.get(format!("http://127.0.0.1:{}/status", readers.status)).send().await)
            .await
    };
    let (report, (pages, bad_pages), (_, bad_statuses)) =
        tokio::join!(beating, again_and_again(&done, page), again_and_again(&done, status));
    let mut failures = BTreeMap::new();
    for failure in bad_pages.into_iter().chain(bad_statuses) {
        *failures.entry(failure).or_default() += 1;
    }
    for (kind, count) in report["beat_errors"].as_object().unwrap() {
        failures.insert(format!("heartbeat: {kind}"), count.as_u64().unwrap());
    }
    for kind in ["overlaps", "unsent"] {
        if report[kind] != 0 {
            failures.insert(format!("heartbeat: {kind}"), report[kind].as_u64().unwrap());
        }
    }
    if report["beats"] == 0 {
        failures.insert("heartbeat: none was acknowledged".to_owned(), 1);
    }
    Seen {
        heartbeat_ms: number(&report["whole"]["p50_ms"]),
        slowest_heartbeat_ms: number(&report["whole"]["max_ms"]),
        page_ms: median(pages),
        failures,
        acknowledged: acknowledged(&acked),
    }
}

/// Does something twice a second until it is done. Returns how long it took when it worked, in milliseconds, and the failures.
async fn again_and_again(
    done: &CancellationToken,
    mut deed: impl AsyncFnMut() -> Result<(), String>,
) -> (Vec<f64>, Vec<String>) {
    let (mut times, mut failures) = (Vec::new(), Vec::new());
    let mut ticks = interval(Duration::from_millis(500));
    while done.run_until_cancelled(ticks.tick()).await.is_some() {
        let begun = Instant::now();
        match tokio::time::timeout(PATIENCE, deed()).await {
            Ok(Ok(())) => times.push(begun.elapsed().as_secs_f64() * 1000.0),
            Ok(Err(failure)) => failures.push(failure),
            Err(_) => failures.push(format!("no response within {PATIENCE:?}")),
        }
    }
    (times, failures)
}

async fn body_of(what: &str, response: reqwest::Result<reqwest::Response>) -> Result<(), String> {
    let response = response.map_err(|_| format!("{what}: not reached"))?;
    let status = response.status().as_u16();
    response.bytes().await.map_err(|_| format!("{what}: cut off"))?;
    if status == 200 { Ok(()) } else { Err(format!("{what}: {status}")) }
}

/// The number of acknowledged heartbeats of each cluster.
fn acknowledged(file: &Path) -> BTreeMap<String, usize> {
    let mut heartbeats = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
        *heartbeats.entry(line.split('\t').next().unwrap().to_owned()).or_default() += 1;
    }
    heartbeats
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
