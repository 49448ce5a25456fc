//! What the repository itself keeps to, read from its files alone: none of our crates is built for these tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod circles;
mod contract;
mod crates;
mod limits;

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what others wrote or what a build made.
const NOT_OURS: &[&str] = &["target", "node_modules", "dist", "corpus", "artifacts", ".git", ".local"];

/// The top of the source tree.
fn source_tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// All files of ours with one of these extensions, by their paths from the top of the source tree, and their text.
fn sources(extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let (top, mut found) = (source_tree(), Vec::new());
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if kind.is_dir() && !NOT_OURS.iter().any(|name| path.ends_with(name)) {
                folders.push(path);
            } else if kind.is_file() && extensions.contains(&extension) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&top).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}
