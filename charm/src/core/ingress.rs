//! The management API behind an HTTP ingress, which ends TLS; for those who do not pass TLS through to it.

use protocol::Address;
use serde_json::json;

use super::facts::{Bag, Facts};
use super::paths::MANAGEMENT_PORT;
use super::status::Condition;
use super::web::url_in;

/// The endpoint.
pub const ENDPOINT: &str = "ingress";

/// What the leader writes: every value is JSON.
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

/// What each unit writes.
pub fn unit(facts: &Facts) -> Bag {
    let ip = facts.ip.as_ref().map(|ip| ("ip".to_owned(), json!(ip).to_string()));
    [("host".to_owned(), json!(facts.host).to_string())].into_iter().chain(ip).collect()
}

/// Where people reach the management API through the ingress. None: there is no ingress, or it has not said yet.
pub fn public(facts: &Facts) -> Result<Option<Address>, Condition> {
    let Some(relation) = facts.relation(ENDPOINT) else { return Ok(None) };
    let Some(url) = relation.app.get("ingress").and_then(|text| url_in(text)) else { return Ok(None) };
    if !matches!(url.path(), "" | "/") {
        let remote = &relation.remote;
        return Err(Condition::blocked(format!(
            "ingress leads to a path, {}, which the web UI cannot be under: juju config {remote} routing_mode=subdomain",
            url.path()
        )));
    }
    let port = url.port_or_known_default().unwrap_or(443);
    Ok(url.host_str().and_then(|host| Address::new(host, port).ok()))
}
