//! Facts for tests: a deployment that has all it needs, to be changed in one place each.
// Every test file uses its own part of this.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;

use charm::core::config::CertificateSource;
use charm::core::facts::{Bag, Facts, Relation, Secret, SecretFact};
use charm::core::identity::{self, InForce};
use charm::core::leaf::Leaf;
use charm::core::{Condition, Desired, Run, decide::Workload};

/// When it is in the tests.
pub const NOW: i64 = 1_800_000_000;

/// Where `complete` keeps the connector's leaf.
pub const CONNECTOR_URI: &str = "secret:cv1connector";

/// The leader of a complete deployment: PostgreSQL, certificates, Traefik, sign-in by options.
pub fn complete() -> Facts {
    let mut facts: Facts = serde_json::from_str(include_str!("../facts/complete.json")).unwrap();
    keep(&mut facts, &leaf_of_tests());
    facts
}

/// The leaf that stands in the golden files: always the same.
pub fn leaf_of_tests() -> InForce {
    let pair = charm::core::facts::Pair {
        certificate: include_str!("../facts/connector.crt").to_owned(),
        key: Secret::new(include_str!("../facts/connector.key")),
    };
    let (leaf, source) = (Leaf::read(pair).unwrap(), CertificateSource::Pinned);
    InForce { leaf, source, domain: "sites.example.com".to_owned(), served: true, deliberate: false }
}

/// A leaf for every name below example.com.
pub fn wildcard_leaf() -> Leaf {
    Leaf::make("*.example.com", NOW).unwrap()
}

/// Puts a leaf in force.
pub fn keep(facts: &mut Facts, in_force: &InForce) {
    facts.secrets.insert(CONNECTOR_URI.to_owned(), SecretFact::Content(identity::content(in_force)));
}

/// The relation of an endpoint, to be changed.
pub fn relation<'a>(facts: &'a mut Facts, endpoint: &str) -> &'a mut Relation {
    facts.relations.iter_mut().find(|relation| relation.endpoint == endpoint).unwrap()
}

/// Adds a relation.
pub fn relate(
    facts: &mut Facts,
    endpoint: &str,
    app: &[(&str, &str)],
    units: &[(&str, &[(&str, &str)])],
) -> i64 {
    let id = 100 + i64::try_from(facts.relations.len()).unwrap();
    let units = units.iter().map(|(unit, said)| ((*unit).to_owned(), bag(said))).collect();
    let relation = Relation {
        endpoint: endpoint.to_owned(),
        id,
        remote: "other".to_owned(),
        app: bag(app),
        units,
        ..Relation::default()
    };
    facts.relations.push(relation);
    id
}

/// Removes the relations of an endpoint.
pub fn unrelate(facts: &mut Facts, endpoint: &str) {
    facts.relations.retain(|relation| relation.endpoint != endpoint);
}

/// Sets an option.
pub fn configure(facts: &mut Facts, option: &str, value: impl Into<serde_json::Value>) {
    facts.config.insert(option.to_owned(), value.into());
}

/// Adds a secret.
pub fn secret(facts: &mut Facts, uri: &str, content: &[(&str, &str)]) {
    let content = content.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value)));
    facts.secrets.insert(uri.to_owned(), SecretFact::Content(content.collect()));
}

/// A bag.
pub fn bag(said: &[(&str, &str)]) -> Bag {
    said.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The workload that is to run.
pub fn workload(desired: &Desired) -> &Workload {
    match &desired.run {
        Run::So(workload) => workload,
        other => panic!("{other:?}, {:?}", desired.conditions),
    }
}

/// What one of the services is told.
pub fn environment(desired: &Desired, service: &str) -> BTreeMap<String, String> {
    let layer = serde_json::to_value(&workload(desired).layer).unwrap();
    serde_json::from_value(layer["services"][service]["environment"].clone()).unwrap()
}

/// What is said in a relation by the application.
pub fn said<'a>(desired: &'a Desired, id: i64, key: &str) -> Option<&'a str> {
    desired.app_data.get(&id)?.get(key)?.as_deref()
}

/// The status in words.
pub fn status(desired: &Desired) -> Option<&Condition> {
    charm::core::status::worst(&desired.conditions)
}
