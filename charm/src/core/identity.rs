//! The connector's leaf: which one is in force, which one is wanted, and whether it may change by itself.
//!
//! Sites pin it. So whatever the options or a provider say, the leaf in force stays until nobody would be cut off, or
//! until somebody says so with the action `rotate-connector-certificate`.

use protocol::Fingerprint;

use super::config::{CertificateSource, Config};
use super::facts::{Facts, Pair, Secret};
use super::kept::{self, Content, Kept, Label};
use super::leaf::Leaf;
use super::management;
use super::status::Condition;

const DAY: i64 = 86_400;
/// From when on the end of the leaf is counted down.
const COUNT_DOWN: i64 = 180 * DAY;

/// A leaf with what was known when it was put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The leaf.
    pub leaf: Leaf,
    /// Where it came from.
    pub source: CertificateSource,
    /// The host that sites call.
    pub domain: String,
    /// Whether a service may have shown it, so that sites may have pinned it.
    pub served: bool,
    /// Whether somebody said that it is to replace another one although sites pin that.
    pub deliberate: bool,
}

/// What the options ask for, beside what is in force.
#[derive(Debug)]
pub enum Wanted {
    /// Nothing else.
    Same,
    /// A new leaf of ours.
    Made,
    /// This one.
    Given(Leaf),
}

/// What is decided about the leaf.
#[derive(Debug, Default)]
pub struct Identity {
    /// What the units show.
    pub in_force: Option<InForce>,
    /// What the leader is to keep.
    pub keep: Option<Content>,
    /// The leader is to make a leaf for this host, and keep it.
    pub make: Option<String>,
    /// The decision needs the number of enrolled clusters.
    pub asks_for_sites: bool,
    /// What is to be said.
    pub conditions: Vec<Condition>,
}

/// Decides. Without usable options what is in force stays.
pub fn decide(facts: &Facts, config: Option<&Config>) -> Identity {
    let kept = match kept::read(facts, Label::Connector) {
        Kept::Absent => None,
        Kept::Content(content) => Some(content),
        Kept::Unreadable => return only(Condition::waiting("waiting for the connector's certificate")),
    };
    let in_force = kept.and_then(read);
    if kept.is_some() && in_force.is_none() {
        return only(Condition::blocked("the connector's kept certificate cannot be read"));
    }
    let conditions = in_force.iter().filter_map(|in_force| countdown(facts, in_force)).collect();
    let identity = Identity { in_force, conditions, ..Identity::default() };
    let Some(config) = config else { return identity };
    if !facts.leads() {
        return identity.or_waiting();
    }
    match wanted(facts, config, identity.in_force.as_ref()) {
        Err(condition) => {
            Identity { conditions: [vec![condition], identity.conditions].concat(), ..identity }
        }
        Ok(Wanted::Same) if !moves(identity.in_force.as_ref(), config) => identity.adopted(config),
        Ok(wanted) => identity.changed(facts, config, wanted),
    }
}

/// Whether sites would have to call another name, where no leaf changes.
pub fn moves(in_force: Option<&InForce>, config: &Config) -> bool {
    in_force.is_some_and(|in_force| !in_force.domain.eq_ignore_ascii_case(config.connector.host()))
}

/// What the options ask for.
pub fn wanted(facts: &Facts, config: &Config, in_force: Option<&InForce>) -> Result<Wanted, Condition> {
    let domain = config.connector.host();
    let given = match config.source {
        CertificateSource::Pinned => {
            let stays = in_force.is_some_and(|in_force| {
                in_force.source == CertificateSource::Pinned && in_force.domain.eq_ignore_ascii_case(domain)
            });
            return Ok(if stays { Wanted::Same } else { Wanted::Made });
        }
        CertificateSource::Imported => imported(facts)?,
        CertificateSource::Integrated => integrated(facts)?,
    };
    let leaf = Leaf::read(given).map_err(|error| unusable(config, &error))?;
    leaf.ensure_names(domain).map_err(|error| unusable(config, &error))?;
    let same = in_force.is_some_and(|in_force| in_force.leaf.fingerprint == leaf.fingerprint);
    Ok(if same { Wanted::Same } else { Wanted::Given(leaf) })
}

fn unusable(config: &Config, error: &super::leaf::LeafError) -> Condition {
    Condition::blocked(match config.source {
        CertificateSource::Imported => format!("connector-certificate-secret: {error}"),
        CertificateSource::Pinned | CertificateSource::Integrated => {
            format!("connector certificate: {error}")
        }
    })
}

fn imported(facts: &Facts) -> Result<Pair, Condition> {
    let app = &facts.app;
    let Some(uri) = facts.text("connector-certificate-secret") else {
        return Err(Condition::blocked(format!(
            "connector-certificate is imported: juju config {app} connector-certificate-secret=SECRET"
        )));
    };
    let Some(content) = facts.secret(uri) else {
        return Err(Condition::blocked(format!(
            "connector-certificate-secret cannot be read: juju grant-secret {uri} {app}"
        )));
    };
    management::pair(content).ok_or_else(|| {
        Condition::blocked(format!(
            "connector-certificate-secret needs certificate and key: juju update-secret {uri} certificate#file=… key#file=…"
        ))
    })
}

fn integrated(facts: &Facts) -> Result<Pair, Condition> {
    // One certificate serves both where both have the same name.
    let issued = facts.issued.connector.as_ref().or(facts.issued.management.as_ref());
    issued.cloned().ok_or_else(|| match facts.relation(management::ENDPOINT) {
        Some(relation) => Condition::waiting(format!(
            "waiting for {} to issue the connector's certificate",
            relation.remote
        )),
        None => Condition::blocked(format!(
            "connector-certificate is integrated: juju integrate {}:certificates self-signed-certificates",
            facts.app
        )),
    })
}

fn only(condition: Condition) -> Identity {
    Identity { conditions: vec![condition], ..Identity::default() }
}

/// Clients refuse a certificate that has ended.
fn countdown(facts: &Facts, in_force: &InForce) -> Option<Condition> {
    let left = in_force.leaf.ends - facts.now;
    match left {
        COUNT_DOWN.. => None,
        0.. => Some(Condition::note(format!(
            "the connector's certificate ends in {} days: plan a rotation",
            left / DAY
        ))),
        _ => Some(Condition::blocked(format!(
            "the connector's certificate has ended, sites refuse it: juju run {}/leader rotate-connector-certificate",
            facts.app
        ))),
    }
}

// === impl Identity ===

impl Identity {
    fn or_waiting(mut self) -> Self {
        if self.in_force.is_none() {
            self.conditions
                .push(Condition::waiting("waiting for the leader to prepare the connector's certificate"));
        }
        self
    }

    /// The same leaf under another source is no change to any site.
    fn adopted(mut self, config: &Config) -> Self {
        let domain = config.connector.host();
        if let Some(in_force) = &mut self.in_force
            && (in_force.source != config.source || in_force.domain != domain)
        {
            in_force.source = config.source;
            domain.clone_into(&mut in_force.domain);
            self.keep = Some(content(in_force));
        }
        self
    }

    fn changed(mut self, facts: &Facts, config: &Config, wanted: Wanted) -> Self {
        let pinned = self.in_force.as_ref().filter(|in_force| in_force.served);
        match (pinned, facts.sites) {
            (None, _) | (Some(_), Some(0)) => match wanted {
                Wanted::Same => return self.adopted(config),
                Wanted::Made => self.make = Some(config.connector.host().to_owned()),
                Wanted::Given(leaf) => {
                    let in_force = put_in_force(config, leaf, false);
                    self.keep = Some(content(&in_force));
                    self.in_force = Some(in_force);
                }
            },
            (Some(_), Some(sites)) => self.conditions.push(Condition::blocked(format!(
                "connector certificate: the change cuts off {}: juju run {}/leader rotate-connector-certificate",
                counted(sites),
                facts.app
            ))),
            (Some(_), None) => {
                self.asks_for_sites = true;
                self.conditions.push(Condition::waiting(
                    "connector certificate: a change waits until the workload can say how many clusters it cuts off",
                ));
            }
        }
        self
    }
}

/// A number of clusters in words.
pub fn counted(sites: u64) -> String {
    if sites == 1 { "1 cluster".to_owned() } else { format!("{sites} clusters") }
}

/// A leaf as it is put in force by these options.
pub fn put_in_force(config: &Config, leaf: Leaf, deliberate: bool) -> InForce {
    let domain = config.connector.host().to_owned();
    InForce { leaf, source: config.source, domain, served: false, deliberate }
}

/// What is in force, as a secret's content.
pub fn content(in_force: &InForce) -> Content {
    let mut content = management::content(&in_force.leaf.pair);
    let flag = |is_so: bool| if is_so { "yes" } else { "no" };
    let words = [
        ("source", in_force.source.as_str()),
        ("domain", in_force.domain.as_str()),
        ("served", flag(in_force.served)),
        ("deliberate", flag(in_force.deliberate)),
    ];
    content.extend(words.map(|(key, value)| (key.to_owned(), Secret::new(value))));
    content
}

/// What is in force, from a secret's content.
pub fn read(content: &Content) -> Option<InForce> {
    let word = |key: &str| content.get(key).map(Secret::expose);
    Some(InForce {
        leaf: Leaf::read(management::pair(content)?).ok()?,
        source: word("source")?.parse().ok()?,
        domain: word("domain")?.to_owned(),
        served: word("served") == Some("yes"),
        deliberate: word("deliberate") == Some("yes"),
    })
}

/// The fingerprint by which the workload is told that a change is meant.
pub fn announced(in_force: &InForce) -> Option<Fingerprint> {
    in_force.deliberate.then_some(in_force.leaf.fingerprint)
}
