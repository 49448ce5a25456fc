//! Sizes: what is longer than this has more than one subject. Clippy keeps functions below their limit (`clippy.toml`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::sources;

const MAX_LINES_PER_FILE: usize = 400;
const MAX_RUST_FILES_PER_FOLDER: usize = 25;

/// Made by a program.
const GENERATED: &[&str] = &["workload/ui/src/api/schema.d.ts"];

#[test]
fn no_file_is_too_long() {
    let files = sources(&["rs", "py", "ts", "tsx", "js", "mjs", "sql"]);
    let files =
        files.iter().filter(|(path, _)| !GENERATED.iter().any(|generated| path == Path::new(generated)));
    let lengths = files.map(|(path, text)| (path, text.lines().count()));
    let too_long: Vec<_> = lengths.filter(|(_, lines)| *lines > MAX_LINES_PER_FILE).collect();
    assert!(too_long.is_empty(), "more than {MAX_LINES_PER_FILE} lines; divide by subject: {too_long:#?}");
}

#[test]
fn no_folder_holds_too_many_files() {
    let mut folders = BTreeMap::<PathBuf, usize>::new();
    for (path, _) in sources(&["rs"]) {
        *folders.entry(path.parent().unwrap().to_owned()).or_default() += 1;
    }
    folders.retain(|_, files| *files > MAX_RUST_FILES_PER_FOLDER);
    assert!(folders.is_empty(), "more than {MAX_RUST_FILES_PER_FOLDER} files side by side: {folders:#?}");
}
