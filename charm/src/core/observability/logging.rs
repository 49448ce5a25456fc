//! The relation `logging`: Pebble forwards the logs of the services to Loki.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::facts::{Bag, Facts};
use super::super::layer::LogTarget;
use super::super::web::url_in;
use super::topology;

/// The endpoint.
pub const ENDPOINT: &str = "logging";
/// The prefix of the charm's log targets.
const PREFIX: &str = "loki-";

/// The leader's data.
pub fn request(facts: &Facts) -> Bag {
    let rules = json!({}).to_string();
    [("metadata".to_owned(), json!(topology::metadata(facts)).to_string()), ("alert_rules".to_owned(), rules)]
        .into()
}

/// The log targets: one for each unit of Loki, and retired ones for removed units.
pub fn targets(facts: &Facts) -> BTreeMap<String, LogTarget> {
    let units = facts
        .relations(ENDPOINT)
        .flat_map(|relation| relation.units.iter().map(move |unit| (relation.id, unit)));
    let wanted = units.filter_map(|(id, (unit, bag))| {
        let url = url_in(bag.get("endpoint")?)?;
        let mut labels = topology::labels(facts);
        labels.insert("juju_unit", facts.unit.clone());
        labels.insert("product", "Juju".to_owned());
        let name = format!("{PREFIX}{id}-{}", unit.replace('/', "-"));
        Some((name, LogTarget::forward(url.into(), labels)))
    });
    let mut targets: BTreeMap<String, LogTarget> = wanted.collect();
    for (name, location) in facts.container.log_targets.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        targets.entry(name.clone()).or_insert_with(|| LogTarget::retire(location.clone()));
    }
    targets
}
