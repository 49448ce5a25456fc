//! `send-remote-write`: where the metrics of sites are relayed to.

use std::collections::BTreeSet;

use super::super::facts::{Bag, Facts};
use super::super::web::url_in;
use super::{rules, scrape};

/// The endpoint.
pub const ENDPOINT: &str = "send-remote-write";

/// What the leader writes. Each rule is given once: they are about our own metrics, so where Prometheus is told of those, it
/// has the rules from there.
pub fn request(facts: &Facts) -> Bag {
    let scraped = facts.relation(scrape::ENDPOINT).is_some();
    let rules = if scraped { rules::none() } else { rules::all(facts) };
    [("alert_rules".to_owned(), rules.to_string())].into()
}

/// The sinks, in order, each once: several units may name the same.
pub fn sinks(facts: &Facts) -> Vec<String> {
    let units = facts.relations(ENDPOINT).flat_map(|relation| relation.units.values());
    let urls = units.filter_map(|bag| url_in(bag.get("remote_write")?));
    urls.map(String::from).collect::<BTreeSet<_>>().into_iter().collect()
}
