//! The programs under test, built the way the tests themselves are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where a program of the workspace lies, brought up to date first.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// The top of the source tree.
pub fn source_tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the tree").to_owned()
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // target/<profile>/deps/<test> or target/<profile>/<program>.
        let us = std::env::current_exe().expect("a process knows its program");
        let folder = us
            .ancestors()
            .skip(1)
            .find(|folder| !folder.ends_with("deps"))
            .expect("a program lies somewhere");
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--profile", profile, "-p", "server", "-p", "agent", "--bins"]);
        let built = build.current_dir(source_tree()).status().expect("cargo runs");
        assert!(built.success(), "the programs under test do not build");
        folder.to_owned()
    })
}
