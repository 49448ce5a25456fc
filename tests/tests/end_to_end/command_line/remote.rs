//! The command line over a hub's API: the same arguments, output and exit codes as on the hub itself.

mod sign_in;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fleet::Role;
use harness::process::{Ended, command};
use harness::{Hub, ManagementUnit};
use protocol::JoinToken;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Another machine, which trusts the hub by its certificate.
struct Away {
    hub: Hub,
    unit: ManagementUnit,
    home: TempDir,
}

impl Away {
    async fn new() -> Self {
        let hub = Hub::start_unlimited().await;
        let unit = ManagementUnit::start(&hub).await;
        Self { hub, unit, home: tempfile::tempdir().unwrap() }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.unit.address.port())
    }

    fn ca_file(&self) -> PathBuf {
        self.hub.folder().join("management/tls.crt")
    }

    fn credentials(&self) -> PathBuf {
        self.home.path().join("cluster-manager/credentials.json")
    }

    /// Runs the program without the hub's settings.
    fn run(&self, variables: &[(&str, &str)], stdin: &str, arguments: &[&str]) -> Ended {
        let home = self.home.path().to_str().unwrap().to_owned();
        let mut all = vec![("XDG_CONFIG_HOME".to_owned(), home.clone()), ("HOME".to_owned(), home)];
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut command = command("cluster-manager", &all);
        for name in ["CLUSTER_MANAGER_REMOTE", "CLUSTER_MANAGER_CA_FILE", "CLUSTER_MANAGER_TOKEN"] {
            if !variables.iter().any(|(said, _)| *said == name) {
                command.env_remove(name);
            }
        }
        let command =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs the program with a token in the environment.
    fn with_token(&self, token: &str, arguments: &[&str]) -> Ended {
        let (url, ca_file) = (self.url(), self.ca_file());
        let variables = [
            ("CLUSTER_MANAGER_REMOTE", url.as_str()),
            ("CLUSTER_MANAGER_CA_FILE", ca_file.to_str().unwrap()),
            ("CLUSTER_MANAGER_TOKEN", token),
        ];
        self.run(&variables, "", arguments)
    }

    /// The token of a new service account, created on the hub.
    fn token(&self, name: &str, role: Role) -> String {
        let made = self.hub.cli(["service-account", "create", name, "--role", role.as_str()]);
        assert_eq!(made.code, Some(0), "{made:?}");
        made.out.trim().to_owned()
    }

    /// Signs in with this token, and trusts the hub from then on.
    fn login(&self, token: &str) -> Ended {
        let ca_file = self.ca_file();
        let arguments =
            ["--remote", &self.url(), "--ca-file", ca_file.to_str().unwrap(), "login", "--token-stdin"];
        self.run(&[], &format!("{token}\n"), &arguments)
    }

    fn here(&self, arguments: &[&str]) -> Ended {
        harness::process::run("cluster-manager", self.hub.variables(), arguments)
    }
}

/// A table without the ages, which change every second.
fn without_ages(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.contains(" ago") && !cell.ends_with(" s"))
                .collect()
        })
        .collect()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_list_is_the_same_over_the_api() {
    let away = Away::new().await;
    let token = away.token("ci", Role::Operator);
    for name in ["b", "a/b c%", "ä"] {
        away.hub.enrol(name).await;
    }
    let (here, there) = (away.here(&["cluster", "list"]), away.with_token(&token, &["cluster", "list"]));
    assert_eq!((there.code, there.err.as_str()), (Some(0), ""), "{there:?}");
    assert_eq!(without_ages(&here.out), without_ages(&there.out));
    for format in ["json", "yaml"] {
        let arguments = ["cluster", "list", "--output", format];
        assert_eq!(away.here(&arguments).out, away.with_token(&token, &arguments).out);
    }
    // As if the connector had been down for an hour, although it keeps reporting that it runs.
    let silent = "UPDATE connector_presence SET accepting_until = now() - interval '1 hour';
        CREATE RULE silent AS ON UPDATE TO connector_presence DO INSTEAD NOTHING";
    store::testing::execute(&away.hub.database, silent).await.unwrap();
    let (here, there) = (away.here(&["cluster", "list"]), away.with_token(&token, &["cluster", "list"]));
    assert!(here.out.contains("The hub has not accepted heartbeats for 1 h"), "{here:?}");
    assert_eq!(without_ages(&here.out), without_ages(&there.out));
    let listed: Value = serde_json::from_str(&away.here(&["cluster", "list", "-o", "json"]).out).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_is_the_same_over_the_api() {
    let away = Away::new().await;
    let token = away.token("ci", Role::Operator);
    away.hub.enrol("a/b c%").await;
    let (here, there) =
        (away.here(&["cluster", "show", "a/b c%"]), away.with_token(&token, &["cluster", "show", "a/b c%"]));
    assert_eq!(without_ages(&here.out), without_ages(&there.out));
    let arguments = ["cluster", "show", "a/b c%", "-o", "json"];
    let (here, there) = (away.here(&arguments), away.with_token(&token, &arguments));
    assert_eq!(here.out, there.out);
    let shown: Value = serde_json::from_str(&here.out).unwrap();
    for key in ["uid", "health", "warnings", "certificate", "disk_threshold", "member_count", "joined_at"] {
        assert!(keys(&shown).contains(key), "{key}");
    }

    let set = ["cluster", "set", "a/b c%", "--description", "in the cellar", "--memory-threshold", "60"];
    assert_eq!(away.with_token(&token, &set).code, Some(0));
    let shown = away.hub.shown("a/b c%");
    assert_eq!(
        (&shown["description"], &shown["memory_threshold"], &shown["disk_threshold"]),
        (&json!("in the cellar"), &json!(60), &json!(80))
    );
    assert_eq!(away.here(&["cluster", "set", "a/b c%", "--disk-threshold", "0"]).code, Some(0));
    assert_eq!(away.hub.shown("a/b c%")["disk_threshold"], 0);
    assert_eq!(away.with_token(&token, &["cluster", "remove", "a/b c%", "--yes"]).code, Some(0));
    assert_eq!(away.here(&["cluster", "show", "a/b c%"]).code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_created_over_the_api_works_and_is_listed() {
    let away = Away::new().await;
    let token = away.token("ci", Role::Operator);
    let arguments = ["token", "create", "site/1", "--description", "x", "--expire", "90m"];
    let made = away.with_token(&token, &arguments);
    assert_eq!((made.code, made.out.lines().count(), made.err.as_str()), (Some(0), 1, ""), "{made:?}");
    let join = JoinToken::decode(&made.out).unwrap();
    assert_eq!(
        (join.server_name.as_str(), join.addresses.as_slice()),
        ("site/1", std::slice::from_ref(&away.hub.address))
    );
    let left = join.expires_at - time::OffsetDateTime::now_utc();
    assert!((88..=90).contains(&left.whole_minutes()), "{left}");
    for format in ["table", "json", "yaml"] {
        let arguments = ["token", "list", "-o", format];
        assert_eq!(away.here(&arguments).out, away.with_token(&token, &arguments).out, "{format}");
    }
    let arguments = ["token", "create", "site/2", "-o", "json"];
    let (here, there) =
        (away.here(&arguments), away.with_token(&token, &["token", "create", "site/3", "-o", "json"]));
    let [here, there] = [here, there].map(|made| serde_json::from_str::<Value>(&made.out).unwrap());
    assert_eq!(keys(&here), keys(&there));
    agent::client::join(made.out.trim(), harness::hub::keys("site/1"), agent::client::Proof::Token)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_trail_is_the_same_over_the_api() {
    let away = Away::new().await;
    let token = away.token("ci", Role::Operator);
    for number in 0..5 {
        away.with_token(&token, &["token", "create", &format!("a & b/{number}")]);
    }
    for filter in
        [&[][..], &["--actor", "ci", "--limit", "3"], &["--search", "a & b/3"], &["--cluster", "a & b/4"]]
    {
        let arguments = [&["event", "list", "-o", "json"], filter].concat();
        let events = [away.here(&arguments), away.with_token(&token, &arguments)].map(|ended| {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            let mut events: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
            // Sealed a little later.
            for event in &mut events {
                event["sealed"] = Value::Null;
            }
            events
        });
        assert!(events[0] == events[1] && !events[0].is_empty(), "{arguments:?}: {events:?}");
    }
    // The second names the hub by the environment.
    for arguments in [&["--remote", "https://hub", "event", "verify"][..], &["event", "verify"]] {
        let verify = away.with_token(&token, arguments);
        assert!(verify.code == Some(2) && verify.err.contains("does not work over the API"), "{verify:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limited_command_retries_later() {
    let settings = [("RATE_LIMIT_REFILL_RATE", "1"), ("RATE_LIMIT_BUCKET_SIZE", "2")];
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    assert_eq!(hub.cli(["migrate"]).code, Some(0));
    let unit = ManagementUnit::start(&hub).await;
    let away = Away { hub, unit, home: tempfile::tempdir().unwrap() };
    let token = away.token("ci", Role::Viewer);
    let began = Instant::now();
    for _ in 0..4 {
        let who = away.with_token(&token, &["whoami"]);
        assert_eq!((who.code, who.err.as_str()), (Some(0), ""), "{who:?}");
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "it had to wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administrators_manage_service_accounts_over_the_api() {
    let away = Away::new().await;
    let admin = away.token("admin", Role::Admin);
    let made = away.with_token(&admin, &["service-account", "create", "next", "--role", "viewer"]);
    assert_eq!((made.code, made.out.lines().count()), (Some(0), 1), "{made:?}");
    assert_eq!(away.with_token(made.out.trim(), &["cluster", "show", "x"]).code, Some(3));
    let arguments = ["service-account", "list", "-o", "json"];
    let there: Value = serde_json::from_str(&away.with_token(&admin, &arguments).out).unwrap();
    let here: Value = serde_json::from_str(&away.here(&arguments).out).unwrap();
    let without_use = |list: &Value| -> Vec<Value> {
        let entries = list.as_array().unwrap().iter().cloned();
        entries
            .map(|mut one| {
                one.as_object_mut().unwrap().remove("last_used_at");
                one
            })
            .collect()
    };
    assert_eq!(without_use(&here), without_use(&there));
    assert_eq!(away.with_token(&admin, &["service-account", "revoke", "next"]).code, Some(0));
    let revoked = away.with_token(made.out.trim(), &["whoami"]);
    assert!(revoked.code == Some(1) && revoked.err.contains("was revoked"), "{revoked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_and_errors_are_the_same_over_the_api() {
    let away = Away::new().await;
    let token = away.token("ci", Role::Admin);
    let cases: &[&[&str]] = &[
        &["token", "create", "x"],
        &["token", "create", "x"],
        &["token", "create", ""],
        &["token", "create", "y", "--expire", "2001-01-01T00:00:00Z"],
        &["token", "revoke", "y"],
        &["token", "revoke", "x"],
        &["cluster", "show", "x"],
        &["cluster", "remove", "x", "--yes"],
        &["cluster", "set", "x", "--description", ""],
        &["cluster", "set", "x"],
        &["cluster", "set", "x", "--disk-threshold", "101"],
        &["service-account", "create", "ci", "--role", "viewer"],
        &["service-account", "create", "x", "--role", "viewer", "--expire", "20y"],
        &["service-account", "revoke", "x"],
    ];
    for arguments in cases {
        let there = away.with_token(&token, arguments);
        // The first run leaves something behind that the second one would meet.
        if arguments.starts_with(&["token"]) && there.code == Some(0) {
            continue;
        }
        let here = away.here(arguments);
        assert_eq!((here.code, &here.err), (there.code, &there.err), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusal_names_the_account_and_its_role() {
    let away = Away::new().await;
    let viewer = away.token("onlooker", Role::Viewer);
    let refused = away.with_token(&viewer, &["token", "create", "x"]);
    assert!(
        refused.code == Some(1) && refused.err.contains("onlooker (viewer) may not do this"),
        "{refused:?}"
    );
}
