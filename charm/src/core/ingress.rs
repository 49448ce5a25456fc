//! The relation `ingress`: the management API behind an HTTP ingress that terminates TLS.

use protocol::Address;
use serde_json::json;

use super::facts::{Bag, Facts};
use super::names::MANAGEMENT_PORT;
use super::status::Condition;
use super::web::url_in;

/// The endpoint.
pub const ENDPOINT: &str = "ingress";

/// The leader's data. Every value is JSON.
pub fn request(facts: &Facts) -> Bag {
    [
        ("model", json!(facts.model)),
        ("name", json!(facts.app)),
        ("port", json!(MANAGEMENT_PORT)),
        ("scheme", json!("https")),
        ("strip-prefix", json!(false)),
        ("redirect-https", json!(true)),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_string()))
    .into()
}

/// Each unit's data.
pub fn unit(facts: &Facts) -> Bag {
    let ip = facts.ip.as_ref().map(|ip| ("ip".to_owned(), json!(ip).to_string()));
    [("host".to_owned(), json!(facts.host).to_string())].into_iter().chain(ip).collect()
}

/// The public address of the management API at the ingress. `None` if there is no ingress or it has not published one.
pub fn public_address(facts: &Facts) -> Result<Option<Address>, Condition> {
    let Some(relation) = facts.relation(ENDPOINT) else { return Ok(None) };
    let Some(url) = relation.app.get("ingress").and_then(|text| url_in(text)) else { return Ok(None) };
    if !matches!(url.path(), "" | "/") {
        let remote = &relation.remote;
        return Err(Condition::blocked(format!(
            "the web UI cannot run under the ingress path {}: juju config {remote} routing_mode=subdomain",
            url.path()
        )));
    }
    let port = url.port_or_known_default().unwrap_or(443);
    Ok(url.host_str().and_then(|host| Address::new(host, port).ok()))
}
