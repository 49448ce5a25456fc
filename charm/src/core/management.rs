//! The management API's certificate: asked for over `certificates`, and handed from the leader to all units.

use std::collections::BTreeSet;
use std::net::IpAddr;

use protocol::Address;

use super::config::{CertificateSource, Config};
use super::facts::{Facts, Pair};
use super::ingress;
use super::kept::{self, Content, Kept, Label};
use super::status::Condition;

/// The endpoint.
pub const ENDPOINT: &str = "certificates";
/// No certificate takes a longer common name.
const LONGEST_COMMON_NAME: usize = 64;

/// A certificate to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which of our services it is for.
    pub purpose: Purpose,
    /// The subject's name.
    pub common_name: Option<String>,
    /// Host names.
    pub names: BTreeSet<String>,
    /// Addresses.
    pub addresses: BTreeSet<String>,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The management API.
    Management,
    /// The connector.
    Connector,
}

/// All certificates that the leader asks for.
pub fn requests(facts: &Facts, config: &Config) -> Vec<Request> {
    let mut management = request(Purpose::Management, &config.management);
    if facts.relation(ingress::ENDPOINT).is_some() {
        // An ingress calls the units by these. Public providers would refuse them, so they are asked for only here.
        if let Some((_, suffix)) = facts.host.split_once('.') {
            management.names.insert(format!("*.{suffix}"));
        }
    }
    let connector = request(Purpose::Connector, &config.connector);
    let integrated = config.source == CertificateSource::Integrated;
    // Two requests for the same thing would be one.
    let differs = connector.names != management.names || connector.addresses != management.addresses;
    let connector = (integrated && differs).then_some(connector);
    [management].into_iter().chain(connector).collect()
}

impl Purpose {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Connector => "connector",
        }
    }
}

fn request(purpose: Purpose, address: &Address) -> Request {
    let host = address.host().to_owned();
    let is_address = host.parse::<IpAddr>().is_ok();
    let common_name = Some(host.clone()).filter(|host| host.len() <= LONGEST_COMMON_NAME);
    let (names, addresses) = if is_address { (vec![], vec![host]) } else { (vec![host], vec![]) };
    Request {
        purpose,
        common_name,
        names: names.into_iter().collect(),
        addresses: addresses.into_iter().collect(),
    }
}

/// The certificate that units show now; else what it waits for.
pub fn read(facts: &Facts) -> Result<Pair, Condition> {
    if let (true, Some(pair)) = (facts.leads(), &facts.issued.management) {
        return Ok(pair.clone());
    }
    if let Kept::Content(content) = kept::read(facts, Label::Management)
        && let Some(pair) = pair(content)
    {
        return Ok(pair);
    }
    Err(match facts.relation(ENDPOINT) {
        None => missing(facts),
        Some(relation) => {
            Condition::waiting(format!("waiting for {} to issue a certificate", relation.remote))
        }
    })
}

/// What to say although a certificate is there: that it will not be renewed.
pub fn unattended(facts: &Facts) -> Option<Condition> {
    facts.relation(ENDPOINT).is_none().then(|| missing(facts))
}

fn missing(facts: &Facts) -> Condition {
    let app = &facts.app;
    Condition::blocked(format!(
        "nobody to issue a certificate: juju integrate {app}:certificates self-signed-certificates"
    ))
}

/// What the leader keeps for the others.
pub fn keep(facts: &Facts) -> Option<Content> {
    facts.issued.management.as_ref().map(content)
}

/// A pair as a secret's content.
pub fn content(pair: &Pair) -> Content {
    let certificate = super::facts::Secret::new(&pair.certificate);
    [("certificate".to_owned(), certificate), ("key".to_owned(), pair.key.clone())].into()
}

/// The pair in a secret's content.
pub fn pair(content: &Content) -> Option<Pair> {
    Some(Pair {
        certificate: content.get("certificate")?.expose().to_owned(),
        key: content.get("key")?.clone(),
    })
}
