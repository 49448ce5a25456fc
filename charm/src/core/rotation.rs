//! The action `rotate-connector-certificate`.
//!
//! A dry run prepares and stores the next leaf, so that its fingerprint can be announced to the administrators of the
//! clusters. The real run activates that leaf.

use super::action::Results;
use super::app_secrets::{self, Content, SecretLabel, Stored};
use super::config::{CertificateSource, Config};
use super::connector_certificate::{self, ActiveLeaf, Wanted, activate, clusters};
use super::facts::Facts;
use super::leaf::Leaf;

/// The next step of the action.
#[derive(Debug)]
pub enum Step {
    /// Generate a leaf for this host, store it as the next one, and decide again.
    Prepare(String),
    /// Report what a rotation would do.
    Report(Results),
    /// Store this leaf as the active one, and report the results.
    Activate(Content, Results),
    /// Fail with this message.
    Fail(String),
}

/// Decides the next step.
pub fn decide(facts: &Facts, dry_run: bool) -> Step {
    step(facts, dry_run).unwrap_or_else(Step::Fail)
}

fn step(facts: &Facts, dry_run: bool) -> Result<Step, String> {
    if !facts.leads() {
        return Err(format!(
            "this unit is not the leader: juju run {}/leader rotate-connector-certificate",
            facts.app
        ));
    }
    let config = Config::read(facts).map_err(|problems| {
        problems.into_iter().map(|problem| problem.text).collect::<Vec<_>>().join("; ")
    })?;
    let active = match app_secrets::read(facts, SecretLabel::Connector) {
        Stored::Content(content) => connector_certificate::parse(content),
        Stored::Absent | Stored::Unreadable => None,
    };
    let active = active.ok_or("nothing to change: there is no connector certificate yet")?;
    let count = facts.cluster_count.ok_or(
        "the workload cannot count the enrolled clusters, which the change would cut off: check the database",
    )?;
    let wanted = connector_certificate::wanted(facts, &config, Some(&active));
    let next = match wanted.map_err(|condition| condition.text)? {
        Wanted::Provided(leaf) => leaf,
        Wanted::Unchanged if connector_certificate::domain_differs(Some(&active), &config) => {
            active.leaf.clone()
        }
        Wanted::Unchanged if config.source != CertificateSource::Pinned => {
            return Err("nothing to change: the options ask for the active certificate".into());
        }
        // Without changed options the rotation replaces the key, for example because it leaked.
        Wanted::Unchanged | Wanted::Generated => match prepared(facts, &config, &active) {
            Some(leaf) => leaf,
            None => return Ok(Step::Prepare(config.connector.host().to_owned())),
        },
    };
    let next = activate(&config, next, true);
    let results = results(&active, &next, count, dry_run);
    // Clusters may pin it from now on.
    let content = connector_certificate::content(&ActiveLeaf { served: true, ..next });
    Ok(if dry_run { Step::Report(results) } else { Step::Activate(content, results) })
}

/// The leaf that a dry run prepared, if it still matches the options.
fn prepared(facts: &Facts, config: &Config, active: &ActiveLeaf) -> Option<Leaf> {
    let Stored::Content(content) = app_secrets::read(facts, SecretLabel::ConnectorNext) else { return None };
    let next = connector_certificate::parse(content)?;
    let is_new = next.leaf.fingerprint != active.leaf.fingerprint;
    (is_new && next.leaf.ensure_names(config.connector.host()).is_ok()).then_some(next.leaf)
}

fn results(active: &ActiveLeaf, next: &ActiveLeaf, count: u64, dry_run: bool) -> Results {
    let fingerprint = next.leaf.fingerprint;
    let cut_off = clusters(count);
    let until = if fingerprint == active.leaf.fingerprint {
        "until each joins again under the new domain"
    } else {
        "until the new fingerprint is set on each"
    };
    let next_step = "to rotate, run the action with dry-run=false; the fingerprint can be announced before";
    let summary = match (dry_run, count) {
        (true, 0) => format!("would cut off no clusters; {next_step}"),
        (true, _) => format!("would cut off {cut_off} {until}; {next_step}"),
        (false, 0) => "cut off no clusters".to_owned(),
        (false, _) => format!("cut off {cut_off} {until}"),
    };
    let domain = (active.domain != next.domain).then(|| ("domain", next.domain.clone()));
    [
        ("summary", summary),
        ("changed", (!dry_run).to_string()),
        ("clusters", count.to_string()),
        ("old-fingerprint", active.leaf.fingerprint.to_string()),
        ("fingerprint", fingerprint.to_string()),
        (
            "command-on-each-microcloud",
            format!("microcloud cluster-manager set certificate_fingerprint {fingerprint}"),
        ),
        (
            "command-on-each-plain-lxd",
            "cluster-agent leave --force, then join with a new join token".to_owned(),
        ),
        ("unused-tokens", "contain the old fingerprint: revoke them and create new ones".to_owned()),
    ]
    .into_iter()
    .chain(domain)
    .collect()
}
