//! The charm's alert rules, with Juju's topology as labels.

use serde_json::{Map, Value, json};

use super::super::facts::Facts;
use super::topology;

/// The files in `charm/alerts`.
const FILES: [&str; 3] = [
    include_str!("../../../alerts/hub.yaml"),
    include_str!("../../../alerts/relay.yaml"),
    include_str!("../../../alerts/sites.yaml"),
];

/// All groups, with names that include the model and the application.
pub fn all(facts: &Facts) -> Value {
    let groups: Vec<Value> =
        FILES.iter().flat_map(|text| groups(text)).map(|group| with_topology(facts, group)).collect();
    json!({ "groups": groups })
}

/// An empty list of groups.
pub fn none() -> Value {
    json!({ "groups": [] })
}

// A test ensures that every file has this form.
fn groups(text: &str) -> Vec<Value> {
    let file: Value = serde_yaml::from_str(text).unwrap_or_default();
    file["groups"].as_array().cloned().unwrap_or_default()
}

fn with_topology(facts: &Facts, mut group: Value) -> Value {
    let name = group["name"].as_str().unwrap_or_default();
    group["name"] = json!(format!("{}_{}_{name}", facts.model, facts.app));
    for rule in group["rules"].as_array_mut().into_iter().flatten() {
        let labels =
            rule.as_object_mut().map(|rule| rule.entry("labels").or_insert_with(|| Map::new().into()));
        if let Some(labels) = labels.and_then(Value::as_object_mut) {
            labels.extend(
                topology::labels(facts).into_iter().map(|(name, value)| (name.to_owned(), json!(value))),
            );
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_labels_of_the_topology() {
        let facts = Facts { app: "cm".into(), model: "prod".into(), ..Facts::default() };
        for text in FILES {
            assert!(!groups(text).is_empty());
        }
        for group in all(&facts)["groups"].as_array().unwrap() {
            assert!(group["name"].as_str().unwrap().starts_with("prod_cm_cluster-manager-"), "{group}");
            for rule in group["rules"].as_array().unwrap() {
                assert_eq!(rule["labels"]["juju_application"], "cm");
                assert!(rule["labels"]["severity"].is_string() || rule["record"].is_string(), "{rule}");
            }
        }
    }
}
