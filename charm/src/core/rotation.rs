//! The action `rotate-connector-certificate`: what it would do, and does.
//!
//! A trial run prepares the new leaf and keeps it, so that its fingerprint can be told to the sites beforehand, and the
//! real run puts that very leaf in force.

use std::collections::BTreeMap;

use super::config::Config;
use super::facts::Facts;
use super::identity::{self, InForce, Wanted, counted, put_in_force};
use super::kept::{self, Content, Kept, Label};

/// What a person is told, by keys.
pub type Results = BTreeMap<&'static str, String>;

/// What the action does next.
#[derive(Debug)]
pub enum Step {
    /// Makes a leaf for this host, keeps it as the next, and asks again.
    Prepare(String),
    /// Says what would happen.
    Tell(Results),
    /// Puts the leaf in force, and says what that means.
    PutInForce(Content, Results),
    /// Cannot be done.
    Fail(String),
}

/// Decides.
pub fn decide(facts: &Facts, trial: bool) -> Step {
    step(facts, trial).unwrap_or_else(Step::Fail)
}

fn step(facts: &Facts, trial: bool) -> Result<Step, String> {
    if !facts.leads() {
        return Err(format!(
            "this is not the leader: juju run {}/leader rotate-connector-certificate",
            facts.app
        ));
    }
    let config = Config::read(facts).map_err(|problems| {
        problems.into_iter().map(|problem| problem.text).collect::<Vec<_>>().join("; ")
    })?;
    let now = match kept::read(facts, Label::Connector) {
        Kept::Content(content) => identity::read(content),
        Kept::Absent | Kept::Unreadable => None,
    };
    let now = now.ok_or("there is no connector certificate yet, so there is nothing to change")?;
    let sites = facts.sites.ok_or(
        "the workload cannot say how many clusters are enrolled, and so how many would be cut off; is the database there?",
    )?;
    let next = match identity::wanted(facts, &config, Some(&now)).map_err(|condition| condition.text)? {
        Wanted::Given(leaf) => leaf,
        Wanted::Same if identity::moves(Some(&now), &config) => now.leaf.clone(),
        Wanted::Same if config.source != super::config::CertificateSource::Pinned => {
            return Err(
                "the certificate in force is the one that the options ask for, so there is nothing to change"
                    .into(),
            );
        }
        // Asked for without a change of the options: a new leaf, as when the key has leaked.
        Wanted::Same | Wanted::Made => match prepared(facts, &config, &now) {
            Some(leaf) => leaf,
            None => return Ok(Step::Prepare(config.connector.host().to_owned())),
        },
    };
    let next = put_in_force(&config, next, true);
    let results = results(&now, &next, sites, trial);
    // Sites may pin it from now on.
    let content = identity::content(&InForce { served: true, ..next });
    Ok(if trial { Step::Tell(results) } else { Step::PutInForce(content, results) })
}

/// The leaf that a trial run has prepared, if it still is what the options ask for.
fn prepared(facts: &Facts, config: &Config, now: &InForce) -> Option<super::leaf::Leaf> {
    let Kept::Content(content) = kept::read(facts, Label::ConnectorNext) else { return None };
    let next = identity::read(content)?;
    let is_new = next.leaf.fingerprint != now.leaf.fingerprint;
    (is_new && next.leaf.ensure_names(config.connector.host()).is_ok()).then_some(next.leaf)
}

fn results(now: &InForce, next: &InForce, sites: u64, trial: bool) -> Results {
    let fingerprint = next.leaf.fingerprint;
    let (cut_off, do_it) =
        (counted(sites), "run it again with dry-run=false; sites can be told this fingerprint before");
    let until = if fingerprint == now.leaf.fingerprint {
        "until each joins again, at the new name"
    } else {
        "until each is told the new fingerprint"
    };
    let summary = match (trial, sites) {
        (true, 0) => format!("would cut off nobody; {do_it}"),
        (true, _) => format!("would cut off {cut_off} {until}; {do_it}"),
        (false, 0) => "cut off nobody".to_owned(),
        (false, _) => format!("cut off {cut_off} {until}"),
    };
    let moved = (now.domain != next.domain).then(|| ("domain", next.domain.clone()));
    [
        ("summary", summary),
        ("changed", (!trial).to_string()),
        ("clusters", sites.to_string()),
        ("old-fingerprint", now.leaf.fingerprint.to_string()),
        ("fingerprint", fingerprint.to_string()),
        (
            "command-on-each-microcloud",
            format!("microcloud cluster-manager set certificate_fingerprint {fingerprint}"),
        ),
        ("command-on-each-plain-lxd", "cluster-agent leave --force, then join with a new token".to_owned()),
        ("unused-tokens", "carry the old fingerprint: revoke them and make new ones".to_owned()),
    ]
    .into_iter()
    .chain(moved)
    .collect()
}
