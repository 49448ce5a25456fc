//! The web UI in a real browser: Playwright drives Chromium over `tests/browser`, against a hub with a real identity
//! provider where simulated clusters join, against one with ten thousand clusters, one with none, one that hears nobody,
//! and with a real LXD.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use harness::hub::UNLIMITED;
use harness::lxd::PrivateLxd;
use harness::{Hub, IdentityProvider, ManagementUnit, Playwright, populated, programs};
use serde_json::json;
use tokio::sync::Mutex;

/// Each drives browsers on all cores already.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const GRAFANA: (&str, &str) = ("GRAFANA_BASE_URL", "https://grafana.example.com");

/// A hub with one unit of each kind, with these settings and those that all here have.
async fn hub(settings: &[(&str, &str)]) -> (Hub, ManagementUnit) {
    let settings = [&UNLIMITED, &[GRAFANA][..], settings].concat();
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    hub.add_unit().await;
    let unit = ManagementUnit::start(&hub).await;
    (hub, unit)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_works_in_a_browser() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let provider = IdentityProvider::start(json!({})).await;
    let sign_in = [
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("ROLE_MAPPING", "admins=admin,operators=operator,viewers=viewer"),
    ];
    let (hub, unit) = hub(&sign_in).await;
    let browser = Playwright::new("hub", &hub, &unit).await.with("CM_SIGN_IN", "provider");
    browser.with("CM_FLEETSIM", programs::path("fleetsim")).run().await.expect_all_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_works_with_ten_thousand_clusters() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (hub, unit) = hub(&populated::SETTINGS).await;
    populated::fill(&hub.store, &hub.database, 10_000).await;
    Playwright::new("fleet", &hub, &unit).await.run().await.expect_all_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_says_what_to_do_where_there_are_no_clusters() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (hub, unit) = hub(&[]).await;
    Playwright::new("empty", &hub, &unit).await.run().await.expect_all_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_says_when_nobody_accepts_heartbeats() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &UNLIMITED);
    assert_eq!(hub.cli(["migrate"]).code, Some(0));
    let unit = ManagementUnit::start(&hub).await;
    // The browser's test starts the connector, and kills it.
    let command = hub.connector_command();
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
    let environment: BTreeMap<_, _> =
        hub.variables().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let connector = json!({
        "program": command.get_program().to_str().unwrap(), "arguments": arguments, "environment": environment,
    });
    let browser = Playwright::new("unheard", &hub, &unit).await.with("CM_CONNECTOR", connector.to_string());
    browser.run().await.expect_all_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_enrols_a_real_lxd_and_shows_its_container_stop() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = store::testing::scratch_folder("lxd-browser");
    std::fs::create_dir_all(&folder).unwrap();
    let lxd = PrivateLxd::start(&folder);
    // Nobody listens there.
    let (hub, unit) = hub(&[("PROMETHEUS_BASE_URL", "http://127.0.0.1:1/write")]).await;
    let browser = Playwright::new("lxd", &hub, &unit).await.with("CM_AGENT", programs::path("cluster-agent"));
    let outcome = browser.with("CM_LXD_DIR", lxd.lxd_dir()).run().await;
    drop(lxd);
    let _ = std::fs::remove_dir_all(&folder);
    outcome.expect_all_passed();
}

/// Of every page and dialog, to be looked at: `CM_SCREENSHOTS=FOLDER cargo test -p tests --test browser -- --ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes photographs and proves nothing"]
async fn photographs_of_every_page() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (hub, unit) = hub(&populated::SETTINGS).await;
    populated::fill(&hub.store, &hub.database, 2_000).await;
    Playwright::new("screenshots", &hub, &unit).await.run().await.expect_all_passed();
}
