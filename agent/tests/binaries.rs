//! Tests of the programs: exit codes and signals.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The state of a cluster whose hub is unreachable.
const JOINED: &str = r#"{"addresses":["127.0.0.1:1"],"server_name":"berlin","joined_at":"2026-01-01T00:00:00Z",
    "fingerprint":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#;

fn cluster_agent(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cluster-agent"));
    command.arg("--state-dir").arg(state).arg("--lxd-dir").arg(state);
    command
}

fn standard_error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn exit_code_is_3_without_a_hub() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["run", "leave", "status"] {
        let output = cluster_agent(folder.path()).arg(command).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert_eq!(
            standard_error(&output),
            "cluster-agent: this cluster has not joined a hub: run `cluster-agent join TOKEN` first\n"
        );
    }
}

#[test]
fn exit_code_is_2_for_wrong_usage_and_1_for_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(cluster_agent(folder.path()).arg("unknown").output().unwrap().status.code(), Some(2));
    let output = cluster_agent(folder.path()).args(["join", "no token"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        standard_error(&output).starts_with("cluster-agent: this is not a join token: "),
        "{}",
        standard_error(&output)
    );
}

/// What the hub and LXD said, and the name in the token, were chosen elsewhere.
#[test]
fn hostile_text_does_not_reach_the_terminal() {
    const TRICKS: &str = "a\u{1b}[2J\u{202e}b\u{200b}\u{9b}0mc\nforged";
    let folder = tempfile::tempdir().unwrap();
    let joined = JOINED.replace("berlin", &serde_json::to_string(TRICKS).unwrap().replace('"', ""));
    std::fs::write(folder.path().join("site.json"), joined).unwrap();
    let last = serde_json::json!({"at": "2026-01-01T00:00:00Z", "error": TRICKS});
    std::fs::write(folder.path().join("last-beat.json"), last.to_string()).unwrap();

    for arguments in [&["status"][..], &["status", "--json"], &["join", "x"], &["run", "--once"]] {
        let output = cluster_agent(folder.path()).args(arguments).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout.clone()).unwrap(), standard_error(&output));
        assert!(
            !protocol::text::needs_escape(&out) && !protocol::text::needs_escape(&err),
            "{out:?} {err:?}"
        );
        match arguments {
            ["status"] => {
                let shown = r"a\u{1b}[2J\u{202e}b\u{200b}\u{9b}0mc\nforged";
                assert_eq!(out.matches(shown).count(), 2, "{out}");
                assert!(!out.lines().any(|line| line.starts_with("forged")), "{out}");
            }
            ["status", "--json"] => {
                let status: serde_json::Value = serde_json::from_str(&out).unwrap();
                assert_eq!(
                    (&status["hub"]["server_name"], &status["last_beat"]["error"]),
                    (&TRICKS.into(), &TRICKS.into())
                );
            }
            _ => assert_eq!(output.status.code(), Some(1)),
        }
    }
}

#[test]
fn agent_keeps_running_without_hub_and_lxd_and_exits_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.json"), JOINED).unwrap();
    let mut child = cluster_agent(folder.path()).arg("run").stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !folder.path().join("last-beat.json").exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "no heartbeat was attempted");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let signalled = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(signalled.elapsed() < Duration::from_secs(5), "the agent is still running");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(0));
}

#[test]
fn fleetsim_without_clusters_explains_the_options() {
    let output = Command::new(env!("CARGO_BIN_EXE_fleetsim")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        standard_error(&output),
        "fleetsim: no clusters: pass join tokens with --tokens-from, or the --state file of an earlier run\n"
    );
}
