//! Playwright, which drives Chromium over `tests/browser`: one of its projects at a time, against a running hub.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fleet::Role;
use serde_json::Value;
use tempfile::TempDir;

use crate::programs::source_tree;
use crate::{Hub, ManagementUnit};

/// A run to come.
pub struct Playwright {
    command: Command,
    project: &'static str,
    folder: TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    project: &'static str,
    /// The names of the tests that passed.
    pub passed: Vec<String>,
    /// The names of those that did not run.
    pub skipped: Vec<String>,
    /// What it printed, failures with it.
    pub said: String,
    is_good: bool,
    took: Duration,
}

impl Playwright {
    /// A project of `tests/browser/playwright.config.ts`, against this hub.
    pub async fn new(project: &'static str, hub: &Hub, unit: &ManagementUnit) -> Self {
        let ui = source_tree().join("workload/ui");
        assert!(ui.join("dist/index.html").exists(), "the web UI is not built: run tools/ui build");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("npm");
        command.args(["run", "--silent", "browser", "--", "--project", project]);
        command.current_dir(&ui).stdin(Stdio::null());
        command.env("CM_BASE_URL", format!("https://localhost:{}", unit.address.port()));
        // Whoever runs empties it first: one of its own, since others may be running.
        command.env("CM_RESULTS", source_tree().join("target/browser").join(project));
        command.env("CM_REPORT", folder.path().join("report.json"));
        for role in Role::ALL {
            let api = unit.as_role(hub, role).await;
            command.env(format!("CM_TOKEN_{}", role.as_str().to_uppercase()), api.token().unwrap());
        }
        Self { command, project, folder }
    }

    /// Tells its tests something.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    pub async fn run(self) -> Outcome {
        let Self { mut command, project, folder } = self;
        let begun = std::time::Instant::now();
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
        let (mut passed, mut skipped) = (Vec::new(), Vec::new());
        for (name, status) in results(folder.path().join("report.json"), &said) {
            match status.as_str() {
                "expected" => passed.push(name),
                "skipped" => skipped.push(name),
                _ => {}
            }
        }
        let is_good = output.status.success();
        Outcome { project, passed, skipped, said, is_good, took: begun.elapsed() }
    }
}

impl Outcome {
    /// Prints what ran and what did not. Panics where a test failed, and where one was skipped: each project is run
    /// only where all of its tests can be.
    pub fn expect_all_passed(&self) {
        let Self { project, passed, skipped, said, is_good, took } = self;
        println!(
            "browser, {project}: {} passed, {} skipped, in {} s",
            passed.len(),
            skipped.len(),
            took.as_secs()
        );
        assert!(*is_good, "{said}");
        assert!(skipped.is_empty(), "skipped, and should have run: {skipped:#?}");
        assert!(!passed.is_empty(), "nothing ran: {said}");
    }
}

/// Every test with its status, from the report as JSON.
fn results(report: PathBuf, said: &str) -> Vec<(String, String)> {
    let report = std::fs::read(report).unwrap_or_else(|error| panic!("there is no report: {error}\n{said}"));
    let report: Value = serde_json::from_slice(&report).unwrap();
    let mut found = Vec::new();
    collect(&report, "", &mut found);
    found
}

fn collect(suite: &Value, path: &str, found: &mut Vec<(String, String)>) {
    for inner in suite["suites"].as_array().into_iter().flatten() {
        collect(inner, &format!("{path}{} › ", inner["title"].as_str().unwrap_or_default()), found);
    }
    for spec in suite["specs"].as_array().into_iter().flatten() {
        let name = format!("{path}{}", spec["title"].as_str().unwrap_or_default());
        for test in spec["tests"].as_array().into_iter().flatten() {
            found.push((name.clone(), test["status"].as_str().unwrap_or_default().to_owned()));
        }
    }
}
