//! When the connector's leaf changes, and when it does not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use charm::core::config::CertificateSource;
use charm::core::decide::{Make, decide};
use charm::core::facts::{Facts, Pair, SecretFact};
use charm::core::identity;
use charm::core::kept::Label;
use charm::core::leaf::Leaf;
use charm::core::rotation::{self, Step};
use charm::core::{Condition, Level};

const OTHER: &str = "other.example.com";

/// A deployment whose domain was changed, with this many clusters enrolled.
fn moved(sites: Option<u64>) -> Facts {
    let mut facts = common::complete();
    common::configure(&mut facts, "cluster-connector-domain", OTHER);
    Facts { sites, ..facts }
}

fn certificate_of(facts: &mut Facts, leaf: &Leaf) {
    let key = leaf.pair.key.expose().to_owned();
    common::secret(facts, "secret:mine", &[("certificate", &leaf.pair.certificate), ("key", &key)]);
    common::configure(facts, "connector-certificate", "imported");
    common::configure(facts, "connector-certificate-secret", "secret:mine");
}

fn about_the_certificate(facts: &Facts) -> Vec<Condition> {
    let conditions = decide(facts).conditions;
    conditions.into_iter().filter(|condition| condition.text.contains("connector")).collect()
}

#[test]
fn the_first_leaf_is_made_for_the_domain() {
    let mut facts = common::complete();
    common::relation(&mut facts, "cluster-manager-peers").our_app.remove("connector-certificate");
    assert_eq!(decide(&facts).make, [Make::Leaf("sites.example.com".to_owned())]);
}

#[test]
fn a_follower_makes_nothing() {
    let mut facts = common::complete();
    facts.leader = false;
    common::relation(&mut facts, "cluster-manager-peers").our_app.clear();
    let desired = decide(&facts);
    assert!(desired.make.is_empty() && desired.kept.is_empty() && desired.app_data.is_empty());
}

#[test]
fn nothing_is_made_again_while_what_is_kept_cannot_be_read() {
    let mut facts = common::complete();
    for secret in facts.secrets.values_mut() {
        *secret = SecretFact::Unreadable;
    }
    assert_eq!(decide(&facts).make, []);
}

#[test]
fn before_anybody_could_see_it_the_leaf_follows_the_domain() {
    let mut facts = moved(None);
    let mut leaf = common::leaf_of_tests();
    leaf.served = false;
    common::keep(&mut facts, &leaf);
    assert_eq!(decide(&facts).make, [Make::Leaf(OTHER.to_owned())]);
}

#[test]
fn before_the_first_enrolment_the_leaf_follows_the_domain() {
    assert_eq!(decide(&moved(Some(0))).make, [Make::Leaf(OTHER.to_owned())]);
}

#[test]
fn with_clusters_enrolled_the_leaf_and_its_domain_stay_and_the_status_says_what_to_run() {
    let facts = moved(Some(12));
    let desired = decide(&facts);
    assert_eq!(desired.make, []);
    assert!(!desired.kept.contains_key(&Label::Connector));
    assert_eq!(
        common::environment(&desired, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"],
        "sites.example.com"
    );
    assert!(common::said(&desired, 3, "config").unwrap().contains("sites.example.com"));
    let text = "connector certificate: the change cuts off 12 clusters: \
                juju run cluster-manager-k8s/leader rotate-connector-certificate";
    assert_eq!(common::status(&desired), Some(&Condition::blocked(text)));
}

#[test]
fn a_workload_that_cannot_say_how_many_are_enrolled_keeps_the_leaf() {
    let desired = decide(&moved(None));
    assert!(desired.asks_for_sites);
    assert_eq!(desired.make, []);
    let text =
        "connector certificate: a change waits until the workload can say how many clusters it cuts off";
    assert_eq!(common::status(&desired), Some(&Condition::waiting(text)));
}

#[test]
fn an_imported_leaf_that_is_the_one_in_force_changes_nothing_for_sites() {
    let mut facts = Facts { sites: Some(12), ..common::complete() };
    let leaf = common::leaf_of_tests().leaf;
    certificate_of(&mut facts, &leaf);
    let desired = decide(&facts);
    let kept = identity::read(&desired.kept[&Label::Connector]).unwrap();
    assert_eq!((kept.source, kept.leaf.fingerprint), (CertificateSource::Imported, leaf.fingerprint));
    assert_eq!(common::status(&desired), None);
}

#[test]
fn a_name_that_the_imported_leaf_has_too_is_moved_to_on_purpose_alone() {
    let mut facts = moved(Some(12));
    let leaf = common::wildcard_leaf();
    certificate_of(&mut facts, &leaf);
    common::keep(&mut facts, &identity::InForce { leaf: leaf.clone(), ..common::leaf_of_tests() });
    let desired = decide(&facts);
    assert!(!desired.kept.contains_key(&Label::Connector));
    assert!(common::said(&desired, 3, "config").unwrap().contains("sites.example.com"));
    let text = "connector certificate: the change cuts off 12 clusters: \
                juju run cluster-manager-k8s/leader rotate-connector-certificate";
    assert_eq!(common::status(&desired), Some(&Condition::blocked(text)));

    let Step::PutInForce(content, results) = rotation::decide(&facts, false) else { panic!("it moves") };
    let kept = identity::read(&content).unwrap();
    assert_eq!((kept.domain.as_str(), kept.leaf.fingerprint), (OTHER, leaf.fingerprint));
    assert_eq!(results["summary"], "cut off 12 clusters until each joins again, at the new name");
}

#[test]
fn the_first_imported_leaf_is_put_in_force() {
    let mut facts = common::complete();
    common::relation(&mut facts, "cluster-manager-peers").our_app.remove("connector-certificate");
    let leaf = Leaf::make("sites.example.com", common::NOW).unwrap();
    certificate_of(&mut facts, &leaf);
    let kept = identity::read(&decide(&facts).kept[&Label::Connector]).unwrap();
    assert_eq!(kept.leaf.fingerprint, leaf.fingerprint);
}

#[test]
fn an_imported_leaf_that_cannot_be_used_is_refused_in_words() {
    let mut facts = common::complete();
    certificate_of(&mut facts, &Leaf::make(OTHER, common::NOW).unwrap());
    let text = "connector-certificate-secret: the certificate does not name sites.example.com";
    assert_eq!(about_the_certificate(&facts), [Condition::blocked(text)]);

    common::configure(&mut facts, "connector-certificate-secret", "secret:nobodys");
    let text =
        "connector-certificate-secret cannot be read: juju grant-secret secret:nobodys cluster-manager-k8s";
    assert_eq!(about_the_certificate(&facts), [Condition::blocked(text)]);

    common::configure(&mut facts, "connector-certificate-secret", "");
    let text = "connector-certificate is imported: juju config cluster-manager-k8s connector-certificate-secret=SECRET";
    assert_eq!(about_the_certificate(&facts), [Condition::blocked(text)]);
}

#[test]
fn a_renewed_integrated_leaf_waits_for_the_action() {
    let mut facts = Facts { sites: Some(1), ..common::complete() };
    common::configure(&mut facts, "connector-certificate", "integrated");
    let Leaf { pair, .. } = Leaf::make("sites.example.com", common::NOW).unwrap();
    facts.issued.connector = Some(pair);
    let text = "connector certificate: the change cuts off 1 cluster: \
                juju run cluster-manager-k8s/leader rotate-connector-certificate";
    assert_eq!(about_the_certificate(&facts), [Condition::blocked(text)]);
}

#[test]
fn the_end_of_the_leaf_is_counted_down() {
    let mut facts = common::complete();
    let ends = common::leaf_of_tests().leaf.ends;
    facts.now = ends - 42 * 86_400 - 1;
    let text = "the connector's certificate ends in 42 days: plan a rotation";
    assert_eq!(about_the_certificate(&facts), [Condition::note(text)]);
    facts.now = ends + 1;
    assert_eq!(about_the_certificate(&facts)[0].level, Level::Blocked);
}

#[test]
fn a_leaf_that_replaced_another_on_purpose_is_announced_to_the_workload() {
    let mut facts = common::complete();
    let mut leaf = common::leaf_of_tests();
    let named = |facts: &Facts| {
        let variables = common::environment(&decide(facts), "cluster-connector");
        variables.get("CLUSTER_CONNECTOR_FINGERPRINT").cloned()
    };
    assert_eq!(named(&facts), None);
    leaf.deliberate = true;
    common::keep(&mut facts, &leaf);
    assert_eq!(named(&facts), Some(leaf.leaf.fingerprint.to_string()));
}

#[test]
fn a_unit_that_is_being_removed_touches_nothing_that_others_share() {
    let facts = Facts { planned_units: Some(0), ..moved(Some(0)) };
    let desired = decide(&facts);
    assert!(desired.make.is_empty() && desired.kept.is_empty() && desired.app_data.is_empty());
    assert_eq!(desired.conditions, []);
}

/// The leaf that a trial run has prepared.
fn prepared(facts: &mut Facts, host: &str) -> Leaf {
    let leaf = Leaf::make(host, common::NOW).unwrap();
    let mut next = common::leaf_of_tests();
    next.leaf = leaf.clone();
    facts.secrets.insert("secret:next".to_owned(), SecretFact::Content(identity::content(&next)));
    let peers = common::relation(facts, "cluster-manager-peers");
    peers.our_app.insert("connector-certificate-next".to_owned(), "secret:next".to_owned());
    leaf
}

#[test]
fn a_trial_rotation_prepares_a_leaf_and_says_what_it_would_cost() {
    let mut facts = moved(Some(12));
    assert!(matches!(rotation::decide(&facts, true), Step::Prepare(host) if host == OTHER));
    let leaf = prepared(&mut facts, OTHER);
    let Step::Tell(results) = rotation::decide(&facts, true) else { panic!() };
    assert_eq!(results["clusters"], "12");
    assert_eq!(results["changed"], "false");
    assert_eq!(results["fingerprint"], leaf.fingerprint.to_string());
    let command = format!("microcloud cluster-manager set certificate_fingerprint {}", leaf.fingerprint);
    assert_eq!(results["command-on-each-microcloud"], command);
    assert!(
        results["summary"].starts_with("would cut off 12 clusters until each is told the new fingerprint")
    );
}

#[test]
fn a_rotation_puts_the_very_leaf_in_force_that_was_told_of() {
    let mut facts = moved(Some(12));
    let leaf = prepared(&mut facts, OTHER);
    let Step::PutInForce(content, results) = rotation::decide(&facts, false) else { panic!() };
    let next = identity::read(&content).unwrap();
    assert_eq!((next.leaf.fingerprint, next.domain.as_str()), (leaf.fingerprint, OTHER));
    assert!(next.deliberate && next.served);
    assert_eq!(results["changed"], "true");
}

#[test]
fn a_rotation_that_cannot_be_judged_or_has_nothing_to_do_fails_in_words() {
    let words = |facts: &Facts| match rotation::decide(facts, false) {
        Step::Fail(words) => words,
        other => panic!("{other:?}"),
    };
    assert!(words(&moved(None)).starts_with("the workload cannot say how many clusters are enrolled"));
    let follower = Facts { leader: false, ..moved(Some(1)) };
    assert_eq!(
        words(&follower),
        "this is not the leader: juju run cluster-manager-k8s/leader rotate-connector-certificate"
    );
    let mut same = Facts { sites: Some(3), ..common::complete() };
    certificate_of(&mut same, &common::leaf_of_tests().leaf);
    assert!(words(&same).ends_with("so there is nothing to change"));
}

#[test]
fn a_kept_pair_is_read_as_it_was_written() {
    let leaf = common::leaf_of_tests();
    assert_eq!(identity::read(&identity::content(&leaf)), Some(leaf.clone()));
    let Pair { certificate, .. } = leaf.leaf.pair;
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
}
