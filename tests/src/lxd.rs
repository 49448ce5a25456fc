//! An LXD of its own with three running containers, as `make run` starts it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::source_tree;

/// A running LXD; stopped when dropped.
pub struct PrivateLxd {
    folder: PathBuf,
}

impl PrivateLxd {
    /// Starts it. Needs root and Debian's `lxd` program.
    pub fn start(folder: &Path) -> Self {
        let lxd = Self { folder: folder.to_owned() };
        let started = lxd.tool("start");
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        lxd
    }

    /// The folder with its socket.
    pub fn lxd_dir(&self) -> PathBuf {
        self.folder.join("lxd")
    }

    /// Runs `lxc` on it. Returns what it printed.
    pub fn lxc<const N: usize>(&self, arguments: [&str; N]) -> String {
        let output = Command::new("lxc")
            .env("LXD_DIR", self.lxd_dir())
            .args(arguments)
            .output()
            .expect("lxc is installed");
        assert!(output.status.success(), "lxc {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("lxc prints text")
    }

    /// A response of its API, from `lxc query`.
    pub fn query(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.lxc(["query", path])).expect("LXD responds with JSON")
    }

    fn tool(&self, verb: &str) -> std::process::Output {
        let tool = source_tree().join("tools/private-lxd");
        Command::new(tool).arg(verb).arg(&self.folder).output().expect("the tool runs")
    }
}

impl Drop for PrivateLxd {
    fn drop(&mut self) {
        self.tool("stop");
    }
}
