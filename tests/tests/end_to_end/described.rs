//! The API conforms to its own description: `schemathesis` generates thousands of random requests from the
//! served document, without credentials and as each role. There is no 5xx and no response that is not described.

use std::path::PathBuf;
use std::process::{Command, Output};

use fleet::Role;
use harness::hub::UNLIMITED;
use harness::programs::source_tree;
use harness::{Api, Hub, ManagementUnit};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth";

/// Installed by `make test`; see `tools/setup`.
fn schemathesis() -> PathBuf {
    let program = source_tree().join("target/tools/described/bin/schemathesis");
    assert!(program.exists(), "schemathesis is not installed: run tools/setup test");
    program
}

fn run(hub: &Hub, unit: &ManagementUnit, caller: &Api, examples: &str) -> Output {
    let base = format!("https://localhost:{}", unit.address.port());
    let mut command = Command::new(schemathesis());
    command
        .arg("--config-file")
        .arg(source_tree().join("tests/described/schemathesis.toml"))
        .args(["run", &format!("{base}/1.0/openapi.json"), "--url", &base, "--checks", CHECKS])
        .args(["--max-examples", examples, "--continue-on-failure", "--seed", "1", "--no-color"])
        .args(["--generation-database", "none", "--suppress-health-check", "all", "--request-timeout", "30"])
        .arg("--tls-verify")
        .arg(hub.folder().join("management/tls.crt"))
        .current_dir(hub.folder());
    if let Some(token) = caller.token() {
        command.args(["--header", &format!("Authorization:Bearer {token}")]);
    }
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn api_conforms_to_its_description_for_random_requests() {
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &UNLIMITED);
    hub.add_unit().await;
    let unit = ManagementUnit::start(&hub).await;
    let mut callers = vec![("nobody".to_owned(), unit.anybody(&hub), "5")];
    for role in Role::ALL {
        callers.push((role.to_string(), unit.as_role(&hub, role).await, "25"));
    }
    for (name, caller, examples) in callers {
        if hub.store.cluster("a site").await.unwrap().is_none() {
            hub.enrol("a site").await;
        }
        let output = tokio::task::block_in_place(|| run(&hub, &unit, &caller, examples));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "as {name}:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let summary = said.lines().filter(|line| line.contains("generated") || line.contains("passed"));
        println!("as {name}: {}", summary.map(str::trim).collect::<Vec<_>>().join("; "));
    }
}
