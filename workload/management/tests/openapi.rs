//! The description of the API: it covers the routes, and the documentation contains it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use management::http::routes::ROUTES;

/// `UPDATE_DOCS=1 cargo test -p management --test openapi` updates the documentation.
#[test]
fn documented_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let current = serde_json::to_string_pretty(&management::openapi()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let documented = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(documented == current, "run UPDATE_DOCS=1 cargo test -p management --test openapi");
}

/// Pages for browsers are not described.
fn is_described(path: &str) -> bool {
    path.starts_with("/1.0")
}

#[test]
fn exactly_the_routes_of_the_api_are_described() {
    let document = serde_json::to_value(management::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let routes: BTreeSet<(String, String)> = ROUTES
        .iter()
        .filter(|route| is_described(route.path))
        .map(|route| (route.method.to_string(), route.path.replace("{*", "{")))
        .collect();
    let missing: Vec<_> = routes.difference(&described).collect();
    assert!(missing.is_empty(), "add the handlers to paths(…) in endpoints/description.rs: {missing:?}");
    let unknown: Vec<_> = described.difference(&routes).collect();
    assert!(unknown.is_empty(), "described, but not in http/routes.rs: {unknown:?}");
}

/// Generators of clients name functions after the operations.
#[test]
fn operation_ids_are_unique() {
    let document = serde_json::to_value(management::openapi()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<&str> = operations.map(|it| it["operationId"].as_str().unwrap()).collect();
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
}
