//! The relation `metrics-endpoint`: the addresses of each unit's own metrics, and the alert rules.

use serde_json::json;

use super::super::facts::{Bag, Facts};
use super::super::names::{CONNECTOR_STATUS_PORT, MANAGEMENT_STATUS_PORT};
use super::{rules, topology};

/// The endpoint.
pub const ENDPOINT: &str = "metrics-endpoint";

/// The leader's data.
pub fn request(facts: &Facts) -> Bag {
    let targets = [MANAGEMENT_STATUS_PORT, CONNECTOR_STATUS_PORT].map(|port| format!("*:{port}"));
    let jobs = json!([{ "metrics_path": "/metrics", "static_configs": [{ "targets": targets }] }]);
    [
        ("scrape_jobs", jobs.to_string()),
        ("scrape_metadata", json!(topology::metadata(facts)).to_string()),
        ("alert_rules", rules::all(facts).to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Each unit's data.
pub fn unit(facts: &Facts) -> Bag {
    let address = facts.ip.as_deref().unwrap_or(&facts.host);
    [
        ("prometheus_scrape_unit_address", address),
        ("prometheus_scrape_unit_name", facts.unit.as_str()),
        ("prometheus_scrape_unit_path", ""),
    ]
    // An empty value would remove the key.
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
