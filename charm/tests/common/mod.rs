//! Facts for tests: a complete deployment that each test changes.
// Every test file uses only some of these helpers.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;

use charm::core::config::CertificateSource;
use charm::core::connector_certificate::{self, ActiveLeaf};
use charm::core::facts::{Bag, Facts, Relation, Secret, SecretFact};
use charm::core::leaf::Leaf;
use charm::core::{Condition, Desired, WorkloadTarget, decide::Workload};

/// The current time in the tests.
pub const NOW: i64 = 1_800_000_000;

/// The secret with the connector's leaf in [`complete`].
pub const CONNECTOR_URI: &str = "secret:cv1connector";

/// The leader of a complete deployment with PostgreSQL, certificates, Traefik, and sign-in by options.
pub fn complete() -> Facts {
    let mut facts: Facts = serde_json::from_str(include_str!("../facts/complete.json")).unwrap();
    store_leaf(&mut facts, &fixed_leaf());
    facts
}

/// The leaf in the golden files, which is always the same.
pub fn fixed_leaf() -> ActiveLeaf {
    let pair = charm::core::facts::Pair {
        certificate: include_str!("../facts/connector.crt").to_owned(),
        key: Secret::new(include_str!("../facts/connector.key")),
    };
    let (leaf, source) = (Leaf::parse(pair).unwrap(), CertificateSource::Pinned);
    ActiveLeaf { leaf, source, domain: "sites.example.com".to_owned(), served: true, deliberate: false }
}

/// A leaf for `*.example.com`.
pub fn wildcard_leaf() -> Leaf {
    Leaf::generate("*.example.com", NOW).unwrap()
}

/// Stores a leaf as the active one.
pub fn store_leaf(facts: &mut Facts, active: &ActiveLeaf) {
    facts
        .secrets
        .insert(CONNECTOR_URI.to_owned(), SecretFact::Content(connector_certificate::content(active)));
}

/// The relation of an endpoint.
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
    let units = units.iter().map(|(unit, data)| ((*unit).to_owned(), bag(data))).collect();
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

/// The data of one side of a relation.
pub fn bag(data: &[(&str, &str)]) -> Bag {
    data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The workload that should run.
pub fn workload(desired: &Desired) -> &Workload {
    match &desired.workload {
        WorkloadTarget::Running(workload) => workload,
        other => panic!("{other:?}, {:?}", desired.conditions),
    }
}

/// The environment of a service.
pub fn environment(desired: &Desired, service: &str) -> BTreeMap<String, String> {
    let layer = serde_json::to_value(&workload(desired).layer).unwrap();
    serde_json::from_value(layer["services"][service]["environment"].clone()).unwrap()
}

/// A value in the application's data of a relation.
pub fn app_data<'a>(desired: &'a Desired, id: i64, key: &str) -> Option<&'a str> {
    desired.app_data.get(&id)?.get(key)?.as_deref()
}

/// The condition that the status shows.
pub fn status(desired: &Desired) -> Option<&Condition> {
    charm::core::status::worst(&desired.conditions)
}
