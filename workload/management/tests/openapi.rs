//! The copy of the API's description in the documentation is the one that is served.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

/// `UPDATE_DOCS=1 cargo test -p management --test openapi` writes it anew.
#[test]
fn the_documented_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let current = serde_json::to_string_pretty(&management::openapi()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let documented = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(documented == current, "run UPDATE_DOCS=1 cargo test -p management --test openapi");
}
