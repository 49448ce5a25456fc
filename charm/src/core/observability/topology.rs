//! Juju's topology: the labels that identify metrics, alerts and logs of this application.

use std::collections::BTreeMap;

use super::super::facts::Facts;

/// The charm's name, as in `metadata.yaml`.
pub const CHARM: &str = "cluster-manager-k8s";

/// The topology as labels of metrics, alerts and logs.
pub fn labels(facts: &Facts) -> BTreeMap<&'static str, String> {
    [
        ("juju_model", facts.model.clone()),
        ("juju_model_uuid", facts.model_uuid.clone()),
        ("juju_application", facts.app.clone()),
        ("juju_charm", CHARM.to_owned()),
    ]
    .into()
}

/// The topology under the names that relations use.
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
