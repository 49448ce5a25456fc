//! Checks that the charm and the workload agree on settings, options and defaults.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::collections::BTreeSet;

use charm::core::config::OPTIONS;
use charm::core::environment::FILES_DIGEST;
use charm::core::{decide, names};
use serde_yaml::Value;

fn options() -> Value {
    let text = include_str!("../../config.yaml");
    serde_yaml::from_str::<Value>(text).unwrap()["options"].clone()
}

/// Facts with which the charm writes every variable.
fn with_everything() -> charm::core::facts::Facts {
    let mut facts = common::complete();
    for (option, setting) in OPTIONS {
        let value = match *option {
            "management-api-domain" => "manager.example.com",
            "cluster-connector-domain" => "sites.example.com",
            "oidc-issuer" => "https://login.example.com",
            "trusted-proxies" => "10.0.0.0/8",
            "log-level" => "info",
            _ if setting.default.is_empty() => "1",
            _ => setting.default,
        };
        common::configure(&mut facts, option, value);
    }
    common::secret(&mut facts, "secret:tls", &[("tls", "True"), ("tls-ca", "the database's CA")]);
    common::relation(&mut facts, "database").app.insert("secret-tls".to_owned(), "secret:tls".to_owned());
    let ca = r#"["-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----"]"#;
    common::relate(&mut facts, "send-ca-cert", &[("certificates", ca)], &[]);
    common::relate(&mut facts, "grafana-metadata", &[("direct_url", "http://grafana:3000")], &[]);
    let sink = r#"{"url": "http://prometheus:9090/api/v1/write"}"#;
    common::relate(&mut facts, "send-remote-write", &[], &[("prometheus/0", &[("remote_write", sink)])]);
    let mut leaf = common::fixed_leaf();
    leaf.deliberate = true;
    common::store_leaf(&mut facts, &leaf);
    facts
}

#[test]
fn every_variable_is_a_setting_of_the_workload() {
    let desired = decide(&with_everything());
    let mut written = BTreeSet::new();
    for service in [names::MANAGEMENT_SERVICE, names::CONNECTOR_SERVICE] {
        written.extend(common::environment(&desired, service).into_keys());
    }
    assert!(written.remove(FILES_DIGEST));
    let is_known = |name: &String| {
        settings::ALL.iter().any(|setting| {
            setting.name == name || (setting.is_secret && format!("{}_FILE", setting.name) == *name)
        })
    };
    let unknown: Vec<_> = written.iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "the workload has no setting {unknown:?}");
    assert!(written.contains("CLUSTER_CONNECTOR_FINGERPRINT") && written.len() > 25, "{written:?}");
}

#[test]
fn environments_contain_no_secrets() {
    let desired = decide(&with_everything());
    let layer = serde_yaml::to_string(&common::workload(&desired).layer).unwrap();
    for secret in ["a database's password", "an OIDC client's secret", "0123456789abcdef", "PRIVATE KEY"] {
        assert!(!layer.contains(secret), "{secret}");
        assert!(!format!("{desired:?}").contains(secret), "{secret}");
    }
}

#[test]
fn options_exist_with_the_defaults_of_their_settings() {
    let options = options();
    for (option, setting) in OPTIONS {
        let known = &options[*option];
        assert!(known.is_mapping(), "config.yaml has no {option}");
        let default = match &known["default"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        // Behind Traefik the public port differs from the port on which the workload listens.
        let expected = if *option == "cluster-connector-port" { "443" } else { setting.default };
        assert_eq!(default, expected, "{option}");
    }
}

#[test]
fn every_option_is_used() {
    let read = OPTIONS.iter().map(|(option, _)| *option);
    let read: BTreeSet<_> =
        read.chain(["connector-certificate", "connector-certificate-secret", "oidc-client-secret"]).collect();
    let defined: BTreeSet<String> =
        options().as_mapping().unwrap().keys().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(defined.iter().map(String::as_str).collect::<BTreeSet<_>>(), read);
}
