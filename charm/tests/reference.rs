//! Compares the charm's reference pages with its YAML files.
//!
//! `BLESS=1 cargo test -p charm --test reference` updates the pages.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(tree().join(name)).unwrap()).unwrap()
}

fn compare(name: &str, actual: &str) {
    let path = tree().join("docs/reference").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        expected, actual,
        "{name} is outdated; to update it: BLESS=1 cargo test -p charm --test reference"
    );
}

fn entries(of: &Value) -> impl Iterator<Item = (&str, &Value)> {
    of.as_mapping().into_iter().flatten().map(|(name, value)| (name.as_str().unwrap(), value))
}

fn text(of: &Value) -> String {
    match of {
        Value::String(text) => text.trim().replace('\n', " ").replace('|', "\\|"),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => String::new(),
    }
}

fn code(of: &Value) -> String {
    let text = text(of);
    if text.is_empty() { text } else { format!("`{text}`") }
}

#[test]
fn options_page_is_current() {
    let mut page = String::from(
        "# Charm options\n\nGenerated from `config.yaml`.\n\n\
         Set an option with `juju config cluster-manager-k8s NAME=VALUE`.\n\n\
         | option | type | default | meaning |\n|---|---|---|---|\n",
    );
    for (name, option) in entries(&yaml("config.yaml")["options"]) {
        let (kind, default) = (text(&option["type"]), code(&option["default"]));
        writeln!(page, "| `{name}` | {kind} | {default} | {} |", text(&option["description"])).unwrap();
    }
    compare("charm-options.md", &page);
}

#[test]
fn actions_page_is_current() {
    let mut page = String::from(
        "# Charm actions\n\nGenerated from `actions.yaml`.\n\n\
         Run an action with `juju run cluster-manager-k8s/leader NAME PARAMETER=VALUE`. If it fails, its message says why.\n",
    );
    for (name, action) in entries(&yaml("actions.yaml")) {
        write!(page, "\n## {name}\n{}\n", text(&action["description"])).unwrap();
        page.push_str("\n| parameter | type | default | meaning |\n|---|---|---|---|\n");
        let required: Vec<_> = action["required"].as_sequence().into_iter().flatten().map(text).collect();
        for (name, parameter) in entries(&action["params"]) {
            let default = if required.contains(&name.to_owned()) {
                "required".to_owned()
            } else {
                code(&parameter["default"])
            };
            let (kind, meaning) = (text(&parameter["type"]), text(&parameter["description"]));
            writeln!(page, "| `{name}` | {kind} | {default} | {meaning} |").unwrap();
        }
    }
    compare("charm-actions.md", &page);
}

#[test]
fn relations_page_is_current() {
    let metadata = yaml("metadata.yaml");
    let mut page = String::from(
        "# Charm relations\n\nGenerated from `metadata.yaml`.\n\n\
         Add a relation with `juju integrate cluster-manager-k8s:ENDPOINT APPLICATION`.\n",
    );
    for (side, title) in [("requires", "Required"), ("provides", "Provided")] {
        write!(page, "\n## {title}\n\n| endpoint | interface | optional | meaning |\n|---|---|---|---|\n")
            .unwrap();
        for (name, endpoint) in entries(&metadata[side]) {
            let optional = if endpoint["optional"] == Value::Bool(true) { "yes" } else { "no" };
            let (interface, meaning) = (text(&endpoint["interface"]), text(&endpoint["description"]));
            writeln!(page, "| `{name}` | `{interface}` | {optional} | {meaning} |").unwrap();
        }
    }
    compare("charm-relations.md", &page);
}
