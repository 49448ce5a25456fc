//! The relation `send-remote-write`: the sinks for the metrics of clusters.

use std::collections::BTreeSet;

use super::super::facts::{Bag, Facts};
use super::super::web::url_in;
use super::{rules, scrape};

/// The endpoint.
pub const ENDPOINT: &str = "send-remote-write";

/// The leader's data. The alert rules are about the hub's own metrics, so `metrics-endpoint` provides them if it is related.
pub fn request(facts: &Facts) -> Bag {
    let scraped = facts.relation(scrape::ENDPOINT).is_some();
    let rules = if scraped { rules::none() } else { rules::all(facts) };
    [("alert_rules".to_owned(), rules.to_string())].into()
}

/// The sinks, sorted and without duplicates: several units may share one.
pub fn sinks(facts: &Facts) -> Vec<String> {
    let units = facts.relations(ENDPOINT).flat_map(|relation| relation.units.values());
    let urls = units.filter_map(|bag| url_in(bag.get("remote_write")?));
    urls.map(String::from).collect::<BTreeSet<_>>().into_iter().collect()
}
