//! `grafana-metadata`: where Grafana is, so that a cluster's page can link to its dashboard.

use super::super::facts::Facts;
use super::super::web::web_url;
use super::dashboards;

/// The endpoint.
pub const ENDPOINT: &str = "grafana-metadata";

/// Where links to dashboards lead: the workload appends the name `lxd`. That is the dashboard's uid where it is used without
/// the charm; here it stands where Grafana expects a title and ignores it, since our dashboards have other uids.
pub fn base_url(facts: &Facts) -> Option<String> {
    let bag = &facts.relation(ENDPOINT)?.app;
    let mut given = ["ingress_url", "direct_url"].into_iter().filter_map(|key| bag.get(key));
    let url = given.find_map(|text| web_url(text))?;
    Some(format!("{}/d/{}", url.as_str().trim_end_matches('/'), dashboards::uid("cluster")))
}
