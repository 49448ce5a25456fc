//! Compares the Pebble layer and the Traefik configuration with golden files.
//!
//! `BLESS=1 cargo test -p charm --test golden` updates the files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;

use charm::core::decide;

fn compare(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        expected, actual,
        "{name} differs; to accept the change: BLESS=1 cargo test -p charm --test golden"
    );
}

#[test]
fn layer_matches_the_golden_file() {
    let desired = decide(&common::complete());
    compare("layer.yaml", &serde_yaml::to_string(&common::workload(&desired).layer).unwrap());
}

#[test]
fn traefik_route_by_name_matches_the_golden_file() {
    let desired = decide(&common::complete());
    compare("traefik-route.yaml", common::app_data(&desired, 3, "config").unwrap());
    assert_eq!(common::app_data(&desired, 3, "raw"), Some("True"));
    assert_eq!(common::app_data(&desired, 3, "static"), None);
}

#[test]
fn traefik_route_by_address_matches_the_golden_files() {
    let mut facts = common::complete();
    common::configure(&mut facts, "cluster-connector-domain", "203.0.113.7");
    common::configure(&mut facts, "cluster-connector-port", 30443);
    facts.relations.retain(|relation| relation.endpoint != "cluster-manager-peers");
    let desired = decide(&facts);
    compare("traefik-route-address.yaml", common::app_data(&desired, 3, "config").unwrap());
    compare("traefik-route-address-static.yaml", common::app_data(&desired, 3, "static").unwrap());
}
