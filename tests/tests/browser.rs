//! The web UI in a real browser: Playwright drives Chromium over `tests/browser`, against a hub with a real identity
//! provider, where simulated clusters join and report.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::process::{Command, Stdio};

use fleet::Role;
use harness::hub::UNLIMITED;
use harness::programs::{self, source_tree};
use harness::{Hub, IdentityProvider, ManagementUnit};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_works_in_a_browser() {
    let ui = source_tree().join("workload/ui");
    assert!(ui.join("dist/index.html").exists(), "the web UI is not built: run tools/ui build");
    let provider = IdentityProvider::start(json!({})).await;
    let settings = [
        UNLIMITED[0],
        UNLIMITED[1],
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("ROLE_MAPPING", "admins=admin,operators=operator,viewers=viewer"),
        ("GRAFANA_BASE_URL", "https://grafana.example.com"),
    ];
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    hub.add_unit().await;
    let unit = ManagementUnit::start(&hub).await;
    let mut command = Command::new("npm");
    command.args(["run", "--silent", "browser"]).current_dir(&ui).stdin(Stdio::null());
    command.env("CM_BASE_URL", format!("https://localhost:{}", unit.address.port()));
    command.env("CM_SIGN_IN", "provider").env("CM_FLEETSIM", programs::path("fleetsim"));
    for role in Role::ALL {
        let api = unit.as_role(&hub, role).await;
        command.env(format!("CM_TOKEN_{}", role.as_str().to_uppercase()), api.token().unwrap());
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    println!("{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
}
