//! The real programs: exit codes, and that they end when told to.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A hub that nobody runs.
const SITE: &str = r#"{"addresses":["127.0.0.1:1"],"server_name":"site","joined_at":"2026-01-01T00:00:00Z",
    "fingerprint":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#;

fn cluster_agent(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cluster-agent"));
    command.arg("--state-dir").arg(state).arg("--lxd-dir").arg(state);
    command
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_a_hub_the_exit_code_is_3() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["run", "leave", "status"] {
        let output = cluster_agent(folder.path()).arg(command).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert_eq!(
            error_of(&output),
            "cluster-agent: this cluster has not joined a hub: run `cluster-agent join TOKEN` first\n"
        );
    }
}

#[test]
fn wrong_usage_is_2_and_a_failure_1() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(cluster_agent(folder.path()).arg("dance").output().unwrap().status.code(), Some(2));
    let output = cluster_agent(folder.path()).args(["join", "no token"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error_of(&output).starts_with("cluster-agent: this is not a join token: "),
        "{}",
        error_of(&output)
    );
}

#[test]
fn a_running_agent_goes_on_without_hub_and_lxd_and_ends_cleanly_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.json"), SITE).unwrap();
    let mut child = cluster_agent(folder.path()).arg("run").stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !folder.path().join("last-beat.json").exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "no beat was tried");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let asked = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(asked.elapsed() < Duration::from_secs(5), "it still runs");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(0));
}

#[test]
fn fleetsim_without_sites_says_what_to_give_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_fleetsim")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        error_of(&output),
        "fleetsim: no sites: give tokens with --tokens-from, or a --state file of an earlier run\n"
    );
}
