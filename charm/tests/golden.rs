//! Files that others build upon, kept as the charm makes them: Pebble's layer, and what Traefik is told.
//!
//! `BLESS=1 cargo test -p charm --test golden` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;

use charm::core::decide;

fn compare(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept, made,
        "{name} is not what the charm makes; look at it, then: BLESS=1 cargo test -p charm --test golden"
    );
}

#[test]
fn the_layer_is_the_kept_one() {
    let desired = decide(&common::complete());
    compare("layer.yaml", &serde_yaml::to_string(&common::workload(&desired).layer).unwrap());
}

#[test]
fn what_traefik_is_told_is_the_kept_one() {
    let desired = decide(&common::complete());
    compare("traefik-route.yaml", common::said(&desired, 3, "config").unwrap());
    assert_eq!(common::said(&desired, 3, "raw"), Some("True"));
    assert_eq!(common::said(&desired, 3, "static"), None);
}

#[test]
fn what_traefik_is_told_of_an_address_is_the_kept_one() {
    let mut facts = common::complete();
    common::configure(&mut facts, "cluster-connector-domain", "203.0.113.7");
    common::configure(&mut facts, "cluster-connector-port", 30443);
    facts.relations.retain(|relation| relation.endpoint != "cluster-manager-peers");
    let desired = decide(&facts);
    compare("traefik-route-address.yaml", common::said(&desired, 3, "config").unwrap());
    compare("traefik-route-address-static.yaml", common::said(&desired, 3, "static").unwrap());
}
