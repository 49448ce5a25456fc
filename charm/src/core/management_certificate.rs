//! The management API's certificate: requested over `certificates`, and shared by the leader with all units.

use std::collections::BTreeSet;
use std::net::IpAddr;

use protocol::Address;

use super::app_secrets::{self, Content, SecretLabel, Stored};
use super::config::{CertificateSource, Config};
use super::facts::{Facts, Pair, Secret};
use super::ingress;
use super::status::Condition;

/// The endpoint.
pub const ENDPOINT: &str = "certificates";
/// The maximum length of a common name in a certificate, in bytes.
const MAX_COMMON_NAME_BYTES: usize = 64;

/// A certificate to request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The service that it is for.
    pub purpose: Purpose,
    /// The common name of the subject.
    pub common_name: Option<String>,
    /// The host names.
    pub names: BTreeSet<String>,
    /// The IP addresses.
    pub addresses: BTreeSet<String>,
}

/// The service that a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The management API.
    Management,
    /// The connector.
    Connector,
}

/// The certificates that the leader requests.
pub fn requests(facts: &Facts, config: &Config) -> Vec<Request> {
    let mut management = request(Purpose::Management, &config.management);
    if facts.relation(ingress::ENDPOINT).is_some() {
        // An ingress calls the units by these names. Public providers would refuse them, so they are requested only here.
        if let Some((_, suffix)) = facts.host.split_once('.') {
            management.names.insert(format!("*.{suffix}"));
        }
    }
    let connector = request(Purpose::Connector, &config.connector);
    let integrated = config.source == CertificateSource::Integrated;
    // Two requests with the same names count as one.
    let differs = connector.names != management.names || connector.addresses != management.addresses;
    let connector = (integrated && differs).then_some(connector);
    [management].into_iter().chain(connector).collect()
}

impl Purpose {
    /// The name of the purpose.
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
    let common_name = Some(host.clone()).filter(|host| host.len() <= MAX_COMMON_NAME_BYTES);
    let (names, addresses) = if is_address { (vec![], vec![host]) } else { (vec![host], vec![]) };
    Request {
        purpose,
        common_name,
        names: names.into_iter().collect(),
        addresses: addresses.into_iter().collect(),
    }
}

/// The certificate that units serve, or the condition that is missing for it.
pub fn read(facts: &Facts) -> Result<Pair, Condition> {
    if let (true, Some(pair)) = (facts.leads(), &facts.issued.management) {
        return Ok(pair.clone());
    }
    if let Stored::Content(content) = app_secrets::read(facts, SecretLabel::Management)
        && let Some(pair) = pair(content)
    {
        return Ok(pair);
    }
    Err(match facts.relation(ENDPOINT) {
        None => no_provider(facts),
        Some(relation) => {
            Condition::waiting(format!("waiting for {} to issue a certificate", relation.remote))
        }
    })
}

/// The condition that the provider is missing, so that an existing certificate will not be renewed.
pub fn missing_provider(facts: &Facts) -> Option<Condition> {
    facts.relation(ENDPOINT).is_none().then(|| no_provider(facts))
}

fn no_provider(facts: &Facts) -> Condition {
    let app = &facts.app;
    Condition::blocked(format!(
        "no certificate provider: juju integrate {app}:certificates self-signed-certificates"
    ))
}

/// The issued certificate as the content of a secret, which the leader stores for the other units.
pub fn issued_content(facts: &Facts) -> Option<Content> {
    facts.issued.management.as_ref().map(content)
}

/// Writes a certificate with its key as the content of a secret.
pub fn content(pair: &Pair) -> Content {
    let certificate = Secret::new(&pair.certificate);
    [("certificate".to_owned(), certificate), ("key".to_owned(), pair.key.clone())].into()
}

/// Parses a certificate with its key from the content of a secret.
pub fn pair(content: &Content) -> Option<Pair> {
    Some(Pair {
        certificate: content.get("certificate")?.expose().to_owned(),
        key: content.get("key")?.clone(),
    })
}
