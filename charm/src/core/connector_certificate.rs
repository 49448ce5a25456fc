//! The connector's leaf certificate: which one is active, which one is wanted, and whether it may change automatically.
//!
//! Clusters pin the active leaf (contract 1.1). So whatever the options or a provider ask for, it stays until a change
//! cuts off no cluster, or until an operator runs the action `rotate-connector-certificate`.

use protocol::Fingerprint;

use super::app_secrets::{self, Content, SecretLabel, Stored};
use super::config::{CertificateSource, Config};
use super::facts::{Facts, Pair, Secret};
use super::leaf::{Leaf, LeafError};
use super::management_certificate;
use super::status::Condition;

const SECONDS_PER_DAY: i64 = 86_400;
/// The time before its expiry from which the status warns about the active leaf.
const EXPIRY_WARNING_SECONDS: i64 = 180 * SECONDS_PER_DAY;

/// A leaf with the options under which it became active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveLeaf {
    /// The leaf.
    pub leaf: Leaf,
    /// Its source.
    pub source: CertificateSource,
    /// The host that clusters call.
    pub domain: String,
    /// Whether a unit may have served it, so that clusters may have pinned it.
    pub served: bool,
    /// Whether an operator activated it although clusters pinned the one before.
    pub deliberate: bool,
}

/// The leaf that the options ask for.
#[derive(Debug)]
pub enum Wanted {
    /// The active one.
    Unchanged,
    /// A new self-signed one.
    Generated,
    /// This one, from a secret or a provider.
    Provided(Leaf),
}

/// The decision about the leaf.
#[derive(Debug, Default)]
pub struct Decision {
    /// The leaf that units serve.
    pub active: Option<ActiveLeaf>,
    /// The secret that the leader must store.
    pub store: Option<Content>,
    /// The host for which the leader must generate and store a leaf.
    pub generate: Option<String>,
    /// Whether the decision needs the number of enrolled clusters.
    pub needs_cluster_count: bool,
    /// The conditions for the status.
    pub conditions: Vec<Condition>,
}

/// Decides about the leaf. Without valid options the active leaf stays.
pub fn decide(facts: &Facts, config: Option<&Config>) -> Decision {
    let stored = match app_secrets::read(facts, SecretLabel::Connector) {
        Stored::Absent => None,
        Stored::Content(content) => Some(content),
        Stored::Unreadable => {
            return only(Condition::waiting("waiting for access to the connector's certificate"));
        }
    };
    let active = stored.and_then(parse);
    if stored.is_some() && active.is_none() {
        return only(Condition::blocked("cannot read the stored connector certificate"));
    }
    let conditions = active.iter().filter_map(|active| expiry(facts, active)).collect();
    let decision = Decision { active, conditions, ..Decision::default() };
    let Some(config) = config else { return decision };
    if !facts.leads() {
        return decision.or_waiting();
    }
    match wanted(facts, config, decision.active.as_ref()) {
        Err(condition) => {
            Decision { conditions: [vec![condition], decision.conditions].concat(), ..decision }
        }
        Ok(Wanted::Unchanged) if !domain_differs(decision.active.as_ref(), config) => {
            decision.with_options(config)
        }
        Ok(wanted) => decision.with_change(facts, config, wanted),
    }
}

/// Whether the options name a different domain from that of the active leaf.
pub fn domain_differs(active: Option<&ActiveLeaf>, config: &Config) -> bool {
    active.is_some_and(|active| !active.domain.eq_ignore_ascii_case(config.connector.host()))
}

/// The leaf that the options ask for.
pub fn wanted(facts: &Facts, config: &Config, active: Option<&ActiveLeaf>) -> Result<Wanted, Condition> {
    let domain = config.connector.host();
    let provided = match config.source {
        CertificateSource::Pinned => {
            let matches = active.is_some_and(|active| {
                active.source == CertificateSource::Pinned && active.domain.eq_ignore_ascii_case(domain)
            });
            return Ok(if matches { Wanted::Unchanged } else { Wanted::Generated });
        }
        CertificateSource::Imported => imported(facts)?,
        CertificateSource::Integrated => integrated(facts)?,
    };
    let leaf = Leaf::parse(provided).map_err(|error| unusable(config, &error))?;
    leaf.ensure_names(domain).map_err(|error| unusable(config, &error))?;
    let is_active = active.is_some_and(|active| active.leaf.fingerprint == leaf.fingerprint);
    Ok(if is_active { Wanted::Unchanged } else { Wanted::Provided(leaf) })
}

fn unusable(config: &Config, error: &LeafError) -> Condition {
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
            "connector-certificate=imported needs a secret: juju config {app} connector-certificate-secret=SECRET"
        )));
    };
    let Some(content) = facts.secret(uri) else {
        return Err(Condition::blocked(format!(
            "cannot read connector-certificate-secret: juju grant-secret {uri} {app}"
        )));
    };
    management_certificate::pair(content).ok_or_else(|| {
        Condition::blocked(format!(
            "connector-certificate-secret needs certificate and key: juju update-secret {uri} certificate#file=… key#file=…"
        ))
    })
}

fn integrated(facts: &Facts) -> Result<Pair, Condition> {
    // If both services have the same name they share one certificate.
    let issued = facts.issued.connector.as_ref().or(facts.issued.management.as_ref());
    issued.cloned().ok_or_else(|| match facts.relation(management_certificate::ENDPOINT) {
        Some(relation) => Condition::waiting(format!(
            "waiting for {} to issue the connector's certificate",
            relation.remote
        )),
        None => Condition::blocked(format!(
            "connector-certificate=integrated needs a provider: juju integrate {}:certificates self-signed-certificates",
            facts.app
        )),
    })
}

fn only(condition: Condition) -> Decision {
    Decision { conditions: vec![condition], ..Decision::default() }
}

/// Warns before the active leaf expires, after which clusters refuse it.
fn expiry(facts: &Facts, active: &ActiveLeaf) -> Option<Condition> {
    let left = active.leaf.expires_at - facts.now;
    match left {
        EXPIRY_WARNING_SECONDS.. => None,
        0.. => Some(Condition::note(format!(
            "the connector's certificate expires in {} d: plan a rotation",
            left / SECONDS_PER_DAY
        ))),
        _ => Some(Condition::blocked(format!(
            "the connector's certificate has expired, clusters refuse it: juju run {}/leader rotate-connector-certificate",
            facts.app
        ))),
    }
}

// === impl Decision ===

impl Decision {
    fn or_waiting(mut self) -> Self {
        if self.active.is_none() {
            self.conditions
                .push(Condition::waiting("waiting for the leader to prepare the connector's certificate"));
        }
        self
    }

    /// Stores changed options for the same leaf, which clusters do not notice.
    fn with_options(mut self, config: &Config) -> Self {
        let domain = config.connector.host();
        if let Some(active) = &mut self.active
            && (active.source != config.source || active.domain != domain)
        {
            active.source = config.source;
            domain.clone_into(&mut active.domain);
            self.store = Some(content(active));
        }
        self
    }

    /// Changes the leaf or its domain if that cuts off no cluster, and otherwise adds a condition.
    fn with_change(mut self, facts: &Facts, config: &Config, wanted: Wanted) -> Self {
        let pinned = self.active.as_ref().filter(|active| active.served);
        match (pinned, facts.cluster_count) {
            (None, _) | (Some(_), Some(0)) => match wanted {
                Wanted::Unchanged => return self.with_options(config),
                Wanted::Generated => self.generate = Some(config.connector.host().to_owned()),
                Wanted::Provided(leaf) => {
                    let active = activate(config, leaf, false);
                    self.store = Some(content(&active));
                    self.active = Some(active);
                }
            },
            (Some(_), Some(count)) => self.conditions.push(Condition::blocked(format!(
                "changing the connector certificate would cut off {}: juju run {}/leader rotate-connector-certificate",
                clusters(count),
                facts.app
            ))),
            (Some(_), None) => {
                self.needs_cluster_count = true;
                self.conditions.push(Condition::waiting(
                    "waiting to change the connector certificate until the workload can count the enrolled clusters",
                ));
            }
        }
        self
    }
}

/// A number of clusters with its noun.
pub fn clusters(count: u64) -> String {
    if count == 1 { "1 cluster".to_owned() } else { format!("{count} clusters") }
}

/// The active leaf that results from activating a leaf under these options.
pub fn activate(config: &Config, leaf: Leaf, deliberate: bool) -> ActiveLeaf {
    let domain = config.connector.host().to_owned();
    ActiveLeaf { leaf, source: config.source, domain, served: false, deliberate }
}

/// Writes an active leaf as the content of a secret.
pub fn content(active: &ActiveLeaf) -> Content {
    let mut content = management_certificate::content(&active.leaf.pair);
    let flag = |value: bool| if value { "yes" } else { "no" };
    let options = [
        ("source", active.source.as_str()),
        ("domain", active.domain.as_str()),
        ("served", flag(active.served)),
        ("deliberate", flag(active.deliberate)),
    ];
    content.extend(options.map(|(key, value)| (key.to_owned(), Secret::new(value))));
    content
}

/// Parses an active leaf from the content of a secret.
pub fn parse(content: &Content) -> Option<ActiveLeaf> {
    let value = |key: &str| content.get(key).map(Secret::expose);
    Some(ActiveLeaf {
        leaf: Leaf::parse(management_certificate::pair(content)?).ok()?,
        source: value("source")?.parse().ok()?,
        domain: value("domain")?.to_owned(),
        served: value("served") == Some("yes"),
        deliberate: value("deliberate") == Some("yes"),
    })
}

/// The fingerprint that tells the workload that a change of the leaf is deliberate.
pub fn announced_fingerprint(active: &ActiveLeaf) -> Option<Fingerprint> {
    active.deliberate.then_some(active.leaf.fingerprint)
}
