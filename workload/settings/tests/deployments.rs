//! What starts the program elsewhere says nothing that it does not know: `deploy/`, the image, the charm's layer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::path::PathBuf;

use serde::Deserialize as _;
use serde_yaml::Value;
use settings::ALL;

/// What the charm sets beside settings: that files have changed that are read only at the start.
const CHARM_FILES: &str = "CHARM_FILES";

fn read(path: &str) -> String {
    let tree = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(tree.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn documents(path: &str) -> Vec<Value> {
    let text = read(path);
    serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect()
}

fn is_known(name: &str) -> bool {
    let of_a_file =
        |setting: &settings::Setting| setting.is_secret && name == format!("{}_FILE", setting.name);
    ALL.iter().any(|setting| setting.name == name || of_a_file(setting))
}

/// The pods' templates of `deploy/base`.
fn pods() -> Vec<Value> {
    let pods: Vec<_> = ["deploy/base/cluster-connector.yaml", "deploy/base/management-api.yaml"]
        .into_iter()
        .flat_map(documents)
        .filter(|document| document["kind"] == "Deployment")
        .map(|deployment| deployment["spec"]["template"]["spec"].clone())
        .collect();
    assert_eq!(pods.len(), 2);
    pods
}

#[test]
fn every_variable_of_the_deployments_is_a_setting() {
    for pod in pods() {
        let variables = pod["containers"][0]["env"].as_sequence().unwrap();
        for name in variables.iter().map(|variable| variable["name"].as_str().unwrap()) {
            assert!(is_known(name), "deploy/base: {name}");
        }
    }
    let lines = read("deploy/example/settings.env");
    let lines = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (name, _) in lines.map(|line| line.split_once('=').unwrap()) {
        assert!(is_known(name), "deploy/example: {name}");
    }
}

#[test]
fn every_variable_of_the_charms_layer_is_a_setting() {
    let layer = &documents("charm/tests/golden/layer.yaml")[0];
    for (service, described) in layer["services"].as_mapping().unwrap() {
        for name in described["environment"].as_mapping().unwrap().keys() {
            let name = name.as_str().unwrap();
            assert!(is_known(name) || name == CHARM_FILES, "{service:?}: {name}");
        }
    }
}

#[test]
fn an_outage_of_the_database_makes_pods_unready_and_kills_none() {
    for pod in pods() {
        let container = &pod["containers"][0];
        assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/status");
        assert!(container["livenessProbe"]["httpGet"].is_null(), "/status depends on the database");
        assert_eq!(container["livenessProbe"]["tcpSocket"]["port"], "status");
    }
}

#[test]
fn kubernetes_puts_no_variables_of_its_own_among_the_settings() {
    for pod in pods() {
        assert_eq!(pod["enableServiceLinks"], Value::Bool(false));
    }
}
