//! The programs under test, built like the tests themselves, and other people's programs that run beside them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The path of a program of the workspace, built first if necessary.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// The path of a program as it is shipped: profile `dist`, whatever the profile of the caller.
pub fn shipped(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        build("dist");
        folder().parent().expect("a profile's folder lies in the target folder").join("dist")
    });
    folder.join(name)
}

/// The path of another project's program, built from its published sources the first time.
pub fn built(name: &str) -> PathBuf {
    let tool = Command::new(source_tree().join("tools/program")).arg(name).stderr(Stdio::inherit()).output();
    let tool = tool.expect("it starts");
    assert!(tool.status.success(), "{name} cannot be built");
    PathBuf::from(String::from_utf8(tool.stdout).expect("a path is text").trim_end())
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
        build(profile);
        folder.to_owned()
    })
}

fn build(profile: &str) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--profile", profile]);
    // With the features of the whole workspace, dependencies are those that the tests themselves were built with.
    command.args(if profile == "dist" { &["-p", "server", "-p", "agent"][..] } else { &["--workspace"] });
    command.args(["--bin", "cluster-manager", "--bin", "cluster-agent", "--bin", "fleetsim"]);
    let built = command.current_dir(source_tree()).status();
    assert!(built.expect("cargo runs").success(), "the programs under test do not build");
}
