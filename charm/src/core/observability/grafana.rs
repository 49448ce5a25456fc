//! The relation `grafana-metadata`: Grafana's URL, so that the page of a cluster can link to its dashboard.

use super::super::facts::Facts;
use super::super::web::web_url;
use super::dashboards;

/// The endpoint.
pub const ENDPOINT: &str = "grafana-metadata";

/// The base URL of links to dashboards, to which the workload appends `lxd`. Without the charm that is the dashboard's uid.
/// With the charm the uid is another one, and `lxd` takes the place of the title, which Grafana ignores.
pub fn base_url(facts: &Facts) -> Option<String> {
    let bag = &facts.relation(ENDPOINT)?.app;
    let mut urls = ["ingress_url", "direct_url"].into_iter().filter_map(|key| bag.get(key));
    let url = urls.find_map(|text| web_url(text))?;
    Some(format!("{}/d/{}", url.as_str().trim_end_matches('/'), dashboards::uid("cluster")))
}
