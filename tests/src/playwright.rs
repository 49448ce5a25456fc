//! Playwright, which drives Chromium over `tests/browser`: one or more of its projects against running hubs.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fleet::Role;
use serde_json::Value;
use tempfile::TempDir;

use crate::programs::source_tree;
use crate::{Hub, ManagementUnit};

/// A run that has not started.
pub struct Playwright {
    command: Command,
    projects: Vec<&'static str>,
    folder: TempDir,
}

/// The result of a run.
#[derive(Debug)]
pub struct Outcome {
    projects: String,
    /// The names of the tests that passed.
    pub passed: Vec<String>,
    /// The names of the tests that were skipped.
    pub skipped: Vec<String>,
    /// Everything Playwright printed, including failures.
    pub output: String,
    is_success: bool,
    duration: Duration,
}

impl Playwright {
    /// A run of this project of `tests/browser/playwright.config.ts` against this hub.
    pub async fn new(project: &'static str, hub: &Hub, unit: &ManagementUnit) -> Self {
        let ui = source_tree().join("workload/ui");
        assert!(ui.join("dist/index.html").exists(), "the web UI is not built: run tools/ui build");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("npm");
        command.args(["run", "--silent", "browser", "--"]);
        command.current_dir(&ui).stdin(Stdio::null());
        // Playwright empties this folder first, so each run has its own.
        command.env("CM_RESULTS", source_tree().join("target/browser").join(project));
        command.env("CM_REPORT", folder.path().join("report.json"));
        Self { command, projects: Vec::new(), folder }.and(project, hub, unit).await
    }

    /// The same run with another project, against the same or another hub.
    #[must_use]
    pub async fn and(mut self, project: &'static str, hub: &Hub, unit: &ManagementUnit) -> Self {
        self.projects.push(project);
        self.command.args(["--project", project]);
        let prefix = format!("CM_{}", project.to_uppercase().replace('-', "_"));
        self.command.env(format!("{prefix}_BASE_URL"), format!("https://localhost:{}", unit.address.port()));
        for role in Role::ALL {
            let api = unit.as_role(hub, role).await;
            let name = format!("{prefix}_TOKEN_{}", role.as_str().to_uppercase());
            self.command.env(name, api.token().unwrap());
        }
        self
    }

    /// Sets a variable for its tests.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the tests and waits for them.
    pub async fn run(self) -> Outcome {
        let Self { mut command, projects, folder } = self;
        let start = std::time::Instant::now();
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let is_success = output.status.success();
        let output = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
        let (mut passed, mut skipped) = (Vec::new(), Vec::new());
        for (name, status) in results(folder.path().join("report.json"), &output) {
            match status.as_str() {
                "expected" => passed.push(name),
                "skipped" => skipped.push(name),
                _ => {}
            }
        }
        Outcome {
            projects: projects.join(", "),
            passed,
            skipped,
            output,
            is_success,
            duration: start.elapsed(),
        }
    }
}

impl Outcome {
    /// Prints how many tests ran. Panics if a test failed or was skipped: each project runs only where all of its tests
    /// can run.
    pub fn expect_all_passed(&self) {
        let Self { projects, passed, skipped, output, is_success, duration } = self;
        println!(
            "browser ({projects}): {} passed, {} skipped, in {} s",
            passed.len(),
            skipped.len(),
            duration.as_secs()
        );
        assert!(*is_success, "{output}");
        assert!(skipped.is_empty(), "skipped, but should have run: {skipped:#?}");
        assert!(!passed.is_empty(), "no test ran: {output}");
    }
}

/// The status of every test, from the JSON report.
fn results(report: PathBuf, output: &str) -> Vec<(String, String)> {
    let report = std::fs::read(report).unwrap_or_else(|error| panic!("no report: {error}\n{output}"));
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
