//! The web UI in a real browser: Playwright drives Chromium over `tests/browser`, against a hub with a real identity
//! provider that simulated clusters join, a hub with ten thousand clusters, a hub without clusters or connector, and a hub
//! that a real LXD joins.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use harness::hub::UNLIMITED;
use harness::lxd::PrivateLxd;
use harness::{Hub, IdentityProvider, ManagementUnit, Playwright, populated, programs};
use serde_json::{Value, json};

const GRAFANA: (&str, &str) = ("GRAFANA_BASE_URL", "https://grafana.example.com");

/// One more than the cores that CI has, because tests also wait: for timers, for polls, for the hub.
const WORKERS: &str = "3";

/// A hub with one unit of each kind, with these settings and those that all hubs here have.
async fn hub(settings: &[(&str, &str)]) -> (Hub, ManagementUnit) {
    let settings = [&UNLIMITED, &[GRAFANA][..], settings].concat();
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    hub.add_unit().await;
    let unit = ManagementUnit::start(&hub).await;
    (hub, unit)
}

/// A hub with this many clusters.
async fn populated_hub(clusters: usize) -> (Hub, ManagementUnit) {
    let (hub, unit) = hub(&populated::SETTINGS).await;
    populated::fill(&hub.store, &hub.database, clusters).await;
    (hub, unit)
}

/// A hub without clusters whose connector does not run.
async fn hub_without_connector() -> (Hub, ManagementUnit) {
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &UNLIMITED);
    assert_eq!(hub.cli(["migrate"]).code, Some(0));
    let unit = ManagementUnit::start(&hub).await;
    (hub, unit)
}

/// How a test starts and stops the hub's connector itself.
fn connector_of(hub: &Hub) -> Value {
    let command = hub.connector_command();
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
    let environment: BTreeMap<_, _> =
        hub.variables().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    json!({
        "program": command.get_program().to_str().unwrap(), "arguments": arguments, "environment": environment,
    })
}

/// One run for all projects, so that no worker is idle while tests remain.
#[tokio::test(flavor = "multi_thread")]
async fn web_ui_works_in_a_browser() {
    let provider = IdentityProvider::start(json!({})).await;
    let sign_in = [
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("ROLE_MAPPING", "admins=admin,operators=operator,viewers=viewer"),
    ];
    let main = hub(&sign_in).await;
    let fleet = populated_hub(10_000).await;
    let quiet = hub_without_connector().await;
    let browser = Playwright::new("hub", &main.0, &main.1).await.with("CM_HUB_SIGN_IN", "provider");
    let browser = browser.and("fleet", &fleet.0, &fleet.1).await;
    let browser =
        browser.and("empty", &quiet.0, &quiet.1).await.and("no-connector", &quiet.0, &quiet.1).await;
    let browser = browser.with("CM_FLEETSIM", programs::path("fleetsim")).with("CM_WORKERS", WORKERS);
    browser.with("CM_CONNECTOR", connector_of(&quiet.0).to_string()).run().await.expect_all_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn web_ui_enrols_a_real_lxd_and_shows_its_container_stop() {
    let folder = store::testing::scratch_folder("lxd-browser");
    std::fs::create_dir_all(&folder).unwrap();
    let lxd = PrivateLxd::start(&folder);
    // Nobody listens on this port.
    let (hub, unit) = hub(&[("PROMETHEUS_BASE_URL", "http://127.0.0.1:1/write")]).await;
    let browser = Playwright::new("lxd", &hub, &unit).await.with("CM_AGENT", programs::path("cluster-agent"));
    let outcome = browser.with("CM_LXD_DIR", lxd.lxd_dir()).run().await;
    drop(lxd);
    let _ = std::fs::remove_dir_all(&folder);
    outcome.expect_all_passed();
}

/// Every page and dialog, for review: `CM_SCREENSHOTS=FOLDER cargo test -p tests --test browser -- --ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes screenshots without checking them"]
async fn screenshots_of_every_page() {
    let (hub, unit) = populated_hub(2_000).await;
    Playwright::new("screenshots", &hub, &unit).await.run().await.expect_all_passed();
}
