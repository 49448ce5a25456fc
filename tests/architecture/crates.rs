//! The crate graph is the architecture: no crate knows one that it must not know, and no forbidden crate comes in.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::source_tree;

/// Who may know whom, dependencies for building and running only.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("settings", &[]),
    ("fleet", &["protocol"]),
    ("store", &["protocol", "fleet", "tls_client"]),
    ("tls_client", &["protocol"]),
    ("edge", &["protocol"]),
    ("exposition", &[]),
    ("relay", &["protocol", "exposition", "tls_client"]),
    ("controllers", &["store", "fleet"]),
    ("connector", &["protocol", "exposition", "fleet", "store", "edge"]),
    ("api", &["protocol", "fleet"]),
    ("openid_documents", &[]),
    ("sign_in", &["protocol", "fleet", "store", "edge", "api", "tls_client", "openid_documents"]),
    ("management", &["protocol", "fleet", "store", "edge", "api", "sign_in"]),
    ("cli", &["protocol", "fleet", "store", "settings", "api", "tls_client", "openid_documents"]),
    (
        "server",
        &[
            "protocol",
            "fleet",
            "store",
            "edge",
            "relay",
            "connector",
            "controllers",
            "api",
            "sign_in",
            "management",
            "settings",
            "cli",
        ],
    ),
    ("agent", &["protocol", "exposition", "tls_client"]),
    ("charm", &["protocol", "fleet", "settings"]),
];

/// What a crate without I/O has no use for.
const IO: &[&str] = &["tokio", "tokio-postgres", "deadpool-postgres", "hyper", "warp", "rustls"];

/// Runs Cargo at the top of the source tree. Returns what it prints.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(source_tree()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--all-features"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let dependencies = |package: &Value| {
        // The kind of an ordinary dependency is null.
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].is_null()).map(name).collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (name(package), dependencies(package))).collect()
}

#[test]
fn crates_depend_only_on_allowed_crates() {
    let dependencies = direct_dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    for (name, may) in MAY_KNOW {
        let known: BTreeSet<&str> =
            dependencies[*name].iter().map(String::as_str).filter(|d| ours.contains(d)).collect();
        let forbidden: Vec<_> = known.iter().filter(|known| !may.contains(known)).collect();
        assert!(forbidden.is_empty(), "{name} must not know {forbidden:?}");
    }
    let listed: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    let unlisted: Vec<_> =
        ours.difference(&listed).filter(|name| !["tests", "architecture"].contains(name)).collect();
    assert!(unlisted.is_empty(), "say what {unlisted:?} may know");
}

#[test]
fn wire_and_domain_crates_do_no_io() {
    let dependencies = direct_dependencies();
    for name in ["protocol", "exposition", "fleet", "api", "openid_documents", "settings", "charm"] {
        let io: Vec<_> = IO.iter().filter(|io| dependencies[name].contains(**io)).collect();
        assert!(io.is_empty(), "{name} must not use {io:?}");
    }
}

#[test]
fn only_the_store_speaks_to_the_database() {
    for (name, dependencies) in direct_dependencies() {
        let speaks = dependencies.contains("tokio-postgres") || dependencies.contains("deadpool-postgres");
        assert!(!speaks || name == "store", "{name} must not know the database's client");
    }
}

#[test]
fn only_one_cryptography_provider_is_used() {
    let tree = cargo(&["tree", "--workspace", "--edges", "all", "--prefix", "none", "--format", "{p}"]);
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("aws-lc-rs"));
    for unwanted in ["ring", "openssl", "openssl-sys", "native-tls"] {
        assert!(!names.contains(unwanted), "{unwanted} is in the dependency graph; aws-lc-rs is enough");
    }
}

/// The packages that are built for these kinds of dependencies, each with its sets of features.
fn features(edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let tree = cargo(&["tree", "--workspace", "--edges", edges, "--prefix", "none", "--format", "{p}: {f}"]);
    let mut features = BTreeMap::<_, BTreeSet<_>>::new();
    for (package, set) in tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once(": ")) {
        features.entry(package.to_owned()).or_default().insert(set.to_owned());
    }
    features
}

/// Otherwise dependencies are built twice: for the tests, and for the programs that the tests start.
#[test]
fn tests_enable_no_features_of_what_the_programs_use() {
    let (programs, tests) = (features("normal,build"), features("normal,build,dev"));
    let changed: Vec<_> = programs.iter().filter(|(package, sets)| tests[*package] != **sets).collect();
    assert!(changed.is_empty(), "a [dev-dependencies] enables features of these: {changed:#?}");
}
