//! Tests of when the connector's leaf certificate changes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use charm::core::app_secrets::SecretLabel;
use charm::core::config::CertificateSource;
use charm::core::connector_certificate;
use charm::core::decide::{Generate, decide};
use charm::core::facts::{Facts, Pair, SecretFact};
use charm::core::leaf::Leaf;
use charm::core::rotation::{self, Step};
use charm::core::{Condition, Level};

const OTHER: &str = "other.example.com";

/// A deployment with a changed domain and this number of enrolled clusters.
fn with_changed_domain(cluster_count: Option<u64>) -> Facts {
    let mut facts = common::complete();
    common::configure(&mut facts, "cluster-connector-domain", OTHER);
    Facts { cluster_count, ..facts }
}

fn import_certificate(facts: &mut Facts, leaf: &Leaf) {
    let key = leaf.pair.key.expose().to_owned();
    common::secret(facts, "secret:mine", &[("certificate", &leaf.pair.certificate), ("key", &key)]);
    common::configure(facts, "connector-certificate", "imported");
    common::configure(facts, "connector-certificate-secret", "secret:mine");
}

fn certificate_conditions(facts: &Facts) -> Vec<Condition> {
    let conditions = decide(facts).conditions;
    conditions.into_iter().filter(|condition| condition.text.contains("connector")).collect()
}

#[test]
fn first_leaf_is_generated_for_the_domain() {
    let mut facts = common::complete();
    common::relation(&mut facts, "cluster-manager-peers").our_app.remove("connector-certificate");
    assert_eq!(decide(&facts).generate, [Generate::Leaf("sites.example.com".to_owned())]);
}

#[test]
fn follower_generates_nothing() {
    let mut facts = common::complete();
    facts.leader = false;
    common::relation(&mut facts, "cluster-manager-peers").our_app.clear();
    let desired = decide(&facts);
    assert!(desired.generate.is_empty() && desired.secrets.is_empty() && desired.app_data.is_empty());
}

#[test]
fn unreadable_secrets_are_not_generated_again() {
    let mut facts = common::complete();
    for secret in facts.secrets.values_mut() {
        *secret = SecretFact::Unreadable;
    }
    assert_eq!(decide(&facts).generate, []);
}

#[test]
fn leaf_that_was_never_served_follows_the_domain() {
    let mut facts = with_changed_domain(None);
    let mut leaf = common::fixed_leaf();
    leaf.served = false;
    common::store_leaf(&mut facts, &leaf);
    assert_eq!(decide(&facts).generate, [Generate::Leaf(OTHER.to_owned())]);
}

#[test]
fn leaf_without_enrolled_clusters_follows_the_domain() {
    assert_eq!(decide(&with_changed_domain(Some(0))).generate, [Generate::Leaf(OTHER.to_owned())]);
}

#[test]
fn leaf_with_enrolled_clusters_stays_and_the_status_names_the_action() {
    let facts = with_changed_domain(Some(12));
    let desired = decide(&facts);
    assert_eq!(desired.generate, []);
    assert!(!desired.secrets.contains_key(&SecretLabel::Connector));
    assert_eq!(
        common::environment(&desired, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"],
        "sites.example.com"
    );
    assert!(common::app_data(&desired, 3, "config").unwrap().contains("sites.example.com"));
    let text = "changing the connector certificate would cut off 12 clusters: \
                juju run cluster-manager-k8s/leader rotate-connector-certificate";
    assert_eq!(common::status(&desired), Some(&Condition::blocked(text)));
}

#[test]
fn leaf_stays_if_the_workload_cannot_count_clusters() {
    let desired = decide(&with_changed_domain(None));
    assert!(desired.needs_cluster_count);
    assert_eq!(desired.generate, []);
    let text =
        "waiting to change the connector certificate until the workload can count the enrolled clusters";
    assert_eq!(common::status(&desired), Some(&Condition::waiting(text)));
}

#[test]
fn importing_the_active_leaf_changes_nothing_for_clusters() {
    let mut facts = Facts { cluster_count: Some(12), ..common::complete() };
    let leaf = common::fixed_leaf().leaf;
    import_certificate(&mut facts, &leaf);
    let desired = decide(&facts);
    let stored = connector_certificate::parse(&desired.secrets[&SecretLabel::Connector]).unwrap();
    assert_eq!((stored.source, stored.leaf.fingerprint), (CertificateSource::Imported, leaf.fingerprint));
    assert_eq!(common::status(&desired), None);
}

#[test]
fn new_domain_of_the_same_imported_leaf_needs_the_action() {
    let mut facts = with_changed_domain(Some(12));
    let leaf = common::wildcard_leaf();
    import_certificate(&mut facts, &leaf);
    common::store_leaf(
        &mut facts,
        &connector_certificate::ActiveLeaf { leaf: leaf.clone(), ..common::fixed_leaf() },
    );
    let desired = decide(&facts);
    assert!(!desired.secrets.contains_key(&SecretLabel::Connector));
    assert!(common::app_data(&desired, 3, "config").unwrap().contains("sites.example.com"));
    let text = "changing the connector certificate would cut off 12 clusters: \
                juju run cluster-manager-k8s/leader rotate-connector-certificate";
    assert_eq!(common::status(&desired), Some(&Condition::blocked(text)));

    let Step::Activate(content, results) = rotation::decide(&facts, false) else {
        panic!("the domain changes")
    };
    let stored = connector_certificate::parse(&content).unwrap();
    assert_eq!((stored.domain.as_str(), stored.leaf.fingerprint), (OTHER, leaf.fingerprint));
    assert_eq!(results["summary"], "cut off 12 clusters until each joins again under the new domain");
}

#[test]
fn first_imported_leaf_becomes_active() {
    let mut facts = common::complete();
    common::relation(&mut facts, "cluster-manager-peers").our_app.remove("connector-certificate");
    let leaf = Leaf::generate("sites.example.com", common::NOW).unwrap();
    import_certificate(&mut facts, &leaf);
    let stored = connector_certificate::parse(&decide(&facts).secrets[&SecretLabel::Connector]).unwrap();
    assert_eq!(stored.leaf.fingerprint, leaf.fingerprint);
}

#[test]
fn unusable_imported_leaf_blocks_with_the_reason() {
    let mut facts = common::complete();
    import_certificate(&mut facts, &Leaf::generate(OTHER, common::NOW).unwrap());
    let text = "connector-certificate-secret: the certificate does not name sites.example.com";
    assert_eq!(certificate_conditions(&facts), [Condition::blocked(text)]);

    common::configure(&mut facts, "connector-certificate-secret", "secret:not-granted");
    let text =
        "cannot read connector-certificate-secret: juju grant-secret secret:not-granted cluster-manager-k8s";
    assert_eq!(certificate_conditions(&facts), [Condition::blocked(text)]);

    common::configure(&mut facts, "connector-certificate-secret", "");
    let text = "connector-certificate=imported needs a secret: juju config cluster-manager-k8s connector-certificate-secret=SECRET";
    assert_eq!(certificate_conditions(&facts), [Condition::blocked(text)]);
}

#[test]
fn renewed_integrated_leaf_needs_the_action() {
    let mut facts = Facts { cluster_count: Some(1), ..common::complete() };
    common::configure(&mut facts, "connector-certificate", "integrated");
    let Leaf { pair, .. } = Leaf::generate("sites.example.com", common::NOW).unwrap();
    facts.issued.connector = Some(pair);
    let text = "changing the connector certificate would cut off 1 cluster: \
                juju run cluster-manager-k8s/leader rotate-connector-certificate";
    assert_eq!(certificate_conditions(&facts), [Condition::blocked(text)]);
}

#[test]
fn expiry_of_the_leaf_is_shown_in_advance() {
    let mut facts = common::complete();
    let expires_at = common::fixed_leaf().leaf.expires_at;
    facts.now = expires_at - 42 * 86_400 - 1;
    let text = "the connector's certificate expires in 42 d: plan a rotation";
    assert_eq!(certificate_conditions(&facts), [Condition::note(text)]);
    facts.now = expires_at + 1;
    assert_eq!(certificate_conditions(&facts)[0].level, Level::Blocked);
}

#[test]
fn deliberately_changed_leaf_is_announced_to_the_workload() {
    let mut facts = common::complete();
    let mut leaf = common::fixed_leaf();
    let announced = |facts: &Facts| {
        let variables = common::environment(&decide(facts), "cluster-connector");
        variables.get("CLUSTER_CONNECTOR_FINGERPRINT").cloned()
    };
    assert_eq!(announced(&facts), None);
    leaf.deliberate = true;
    common::store_leaf(&mut facts, &leaf);
    assert_eq!(announced(&facts), Some(leaf.leaf.fingerprint.to_string()));
}

#[test]
fn unit_being_removed_changes_nothing_shared() {
    let facts = Facts { planned_units: Some(0), ..with_changed_domain(Some(0)) };
    let desired = decide(&facts);
    assert!(desired.generate.is_empty() && desired.secrets.is_empty() && desired.app_data.is_empty());
    assert_eq!(desired.conditions, []);
}

/// Stores a leaf as a dry run prepares it.
fn prepare(facts: &mut Facts, host: &str) -> Leaf {
    let leaf = Leaf::generate(host, common::NOW).unwrap();
    let mut next = common::fixed_leaf();
    next.leaf = leaf.clone();
    facts
        .secrets
        .insert("secret:next".to_owned(), SecretFact::Content(connector_certificate::content(&next)));
    let peers = common::relation(facts, "cluster-manager-peers");
    peers.our_app.insert("connector-certificate-next".to_owned(), "secret:next".to_owned());
    leaf
}

#[test]
fn dry_run_prepares_a_leaf_and_reports_the_effect() {
    let mut facts = with_changed_domain(Some(12));
    assert!(matches!(rotation::decide(&facts, true), Step::Prepare(host) if host == OTHER));
    let leaf = prepare(&mut facts, OTHER);
    let Step::Report(results) = rotation::decide(&facts, true) else { panic!() };
    assert_eq!(results["clusters"], "12");
    assert_eq!(results["changed"], "false");
    assert_eq!(results["fingerprint"], leaf.fingerprint.to_string());
    let command = format!("microcloud cluster-manager set certificate_fingerprint {}", leaf.fingerprint);
    assert_eq!(results["command-on-each-microcloud"], command);
    assert!(
        results["summary"].starts_with("would cut off 12 clusters until the new fingerprint is set on each")
    );
}

#[test]
fn rotation_activates_the_prepared_leaf() {
    let mut facts = with_changed_domain(Some(12));
    let leaf = prepare(&mut facts, OTHER);
    let Step::Activate(content, results) = rotation::decide(&facts, false) else { panic!() };
    let next = connector_certificate::parse(&content).unwrap();
    assert_eq!((next.leaf.fingerprint, next.domain.as_str()), (leaf.fingerprint, OTHER));
    assert!(next.deliberate && next.served);
    assert_eq!(results["changed"], "true");
}

#[test]
fn impossible_rotation_fails_with_the_reason() {
    let message = |facts: &Facts| match rotation::decide(facts, false) {
        Step::Fail(message) => message,
        other => panic!("{other:?}"),
    };
    assert!(
        message(&with_changed_domain(None)).starts_with("the workload cannot count the enrolled clusters")
    );
    let follower = Facts { leader: false, ..with_changed_domain(Some(1)) };
    assert_eq!(
        message(&follower),
        "this unit is not the leader: juju run cluster-manager-k8s/leader rotate-connector-certificate"
    );
    let mut same = Facts { cluster_count: Some(3), ..common::complete() };
    import_certificate(&mut same, &common::fixed_leaf().leaf);
    assert!(message(&same).starts_with("nothing to change: "));
}

#[test]
fn active_leaf_survives_a_round_trip() {
    let leaf = common::fixed_leaf();
    assert_eq!(connector_certificate::parse(&connector_certificate::content(&leaf)), Some(leaf.clone()));
    let Pair { certificate, .. } = leaf.leaf.pair;
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
}
