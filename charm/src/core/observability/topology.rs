//! Juju's topology: the labels by which everything that comes from us is told from everything else.

use std::collections::BTreeMap;

use super::super::facts::Facts;

/// The charm's name, as in `metadata.yaml`.
pub const CHARM: &str = "cluster-manager-k8s";

/// The labels of all that comes from this application.
pub fn labels(facts: &Facts) -> BTreeMap<&'static str, String> {
    [
        ("juju_model", facts.model.clone()),
        ("juju_model_uuid", facts.model_uuid.clone()),
        ("juju_application", facts.app.clone()),
        ("juju_charm", CHARM.to_owned()),
    ]
    .into()
}

/// The same under the names of relations' metadata.
pub fn metadata(facts: &Facts) -> BTreeMap<&'static str, String> {
    [
        ("model", facts.model.clone()),
        ("model_uuid", facts.model_uuid.clone()),
        ("application", facts.app.clone()),
        ("unit", facts.unit.clone()),
        ("charm_name", CHARM.to_owned()),
    ]
    .into()
}
