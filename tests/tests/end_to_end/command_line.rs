//! The command line as people, scripts and the existing charm use it (contract section 5).

mod remote;

use std::time::Duration;

use harness::process::{self, Program, command};
use harness::{Hub, programs};
use protocol::JoinToken;
use rustix::process::Signal;
use store::testing::empty_database;
use tokio::net::TcpStream;

async fn hub_without_units() -> Hub {
    let hub = Hub::without_units(empty_database().await.unwrap(), &[]);
    let migrated = hub.cli(["migrate"]);
    let all = migrated.out.lines().all(|line| line.starts_with("applied "));
    assert!(migrated.code == Some(0) && all && migrated.out.contains("0001_initial"), "{migrated:?}");
    hub
}

#[test]
fn help_is_unchanged() {
    let help = process::run("cluster-manager", &[], ["--help"]);
    assert_eq!(help.code, Some(0));
    insta::assert_snapshot!(help.out);
}

#[tokio::test]
async fn token_in_a_pipe_is_printed_alone() {
    let hub = hub_without_units().await;
    let made = hub.cli(["token", "create", "a/b 🦀", "--description", "in the cellar", "--expire", "90m"]);
    assert_eq!((made.code, made.out.lines().count(), made.err.as_str()), (Some(0), 1, ""), "{made:?}");
    let token = JoinToken::decode(&made.out).unwrap();
    assert_eq!(token.server_name, "a/b 🦀");
    assert_eq!(token.addresses, std::slice::from_ref(&hub.address));
    let left = token.expires_at - time::OffsetDateTime::now_utc();
    assert!((85..=90).contains(&left.whole_minutes()), "{left}");
    let listed = hub.cli(["token", "list", "--output", "yaml"]);
    assert!(listed.out.contains("in the cellar") && !listed.out.contains(made.out.trim()), "{listed:?}");
}

#[tokio::test]
async fn token_on_a_terminal_is_the_whole_command() {
    let hub = hub_without_units().await;
    // script(1) gives the program a terminal.
    let program = programs::path("cluster-manager");
    let mut terminal = std::process::Command::new("script");
    terminal.envs(hub.variables().iter().map(|(name, value)| (name, value)));
    let line = format!("{} token create site", program.display());
    let output = terminal.args(["-qec", &line, "/dev/null"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let command = text.lines().find(|line| line.starts_with("microcloud cluster-manager join ")).unwrap();
    JoinToken::decode(command.rsplit(' ').next().unwrap()).unwrap();
}

#[tokio::test]
async fn exit_codes_tell_scripts_what_happened() {
    let hub = hub_without_units().await;
    let cases: &[(&[&str], i32, &str)] = &[
        (&["token", "create", "x"], 0, ""),
        (&["token", "create", "x"], 4, "there is already a valid join token for \"x\""),
        (&["token", "create", ""], 2, "a cluster name cannot be empty"),
        (&["token", "create", "y", "--expire", "yesterday"], 2, "a time such as 2030-01-31T12:00:00Z"),
        (&["token", "create", "y", "--expire", "2001-01-01T00:00:00Z"], 2, "the expiry is in the past"),
        (&["token", "revoke", "y"], 3, "there is no join token for \"y\""),
        (&["token", "revoke", "x"], 0, ""),
        (&["cluster", "show", "x"], 3, "there is no cluster named \"x\""),
        (&["cluster", "remove", "x", "--yes"], 3, "there is no cluster named \"x\""),
        (&["cluster", "list", "--output", "xml"], 2, "possible values: table, json, yaml"),
        (&["nonsense"], 2, "unrecognized subcommand"),
        (&["serve"], 2, "no service is selected"),
    ];
    for (arguments, code, text) in cases {
        let ended = process::run("cluster-manager", hub.variables(), *arguments);
        assert!(ended.code == Some(*code) && ended.err.contains(text), "{arguments:?}: {ended:?}");
    }
}

#[tokio::test]
async fn empty_fleet_says_what_to_do_next() {
    let hub = hub_without_units().await;
    assert!(hub.cli(["cluster", "list"]).out.contains("cluster-manager token create NAME"));
    assert_eq!(hub.cli(["cluster", "list", "-o", "json"]).out.trim(), "[]");
}

#[tokio::test]
async fn unreachable_database_is_not_an_empty_fleet() {
    let hub = hub_without_units().await;
    let mut variables = hub.variables().to_vec();
    variables.retain(|(name, _)| name != "DB_PORT");
    variables.push(("DB_PORT".to_owned(), "1".to_owned()));
    let ended = process::run("cluster-manager", &variables, ["cluster", "list"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(5), ""), "{ended:?}");
    assert!(
        ended.err.contains("the database is not available") && ended.err.contains("refused"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn database_that_was_not_migrated_is_not_touched() {
    let hub = Hub::without_units(empty_database().await.unwrap(), &[]);
    let ended = hub.cli(["cluster", "list"]);
    assert!(ended.code == Some(1) && ended.err.contains("run `cluster-manager migrate`"), "{ended:?}");
}

#[tokio::test]
async fn invalid_setting_is_one_line_that_names_it() {
    let hub = hub_without_units().await;
    for (name, value, line) in [
        ("DB_PORT", "x", "cluster-manager: DB_PORT must be a port from 1 to 65535, not \"x\"\n"),
        (
            "SERVICE",
            "x",
            "cluster-manager: SERVICE must be management-api, cluster-connector or cli, not \"x\"\n",
        ),
        (
            "CLUSTER_CONNECTOR_DOMAIN",
            "a b",
            "cluster-manager: CLUSTER_CONNECTOR_DOMAIN must be a host name or an IP address, not \"a b\"\n",
        ),
    ] {
        let mut variables = hub.variables().to_vec();
        variables.retain(|(known, _)| known != name && known != "SERVICE");
        if name != "SERVICE" {
            variables.push(("SERVICE".to_owned(), "cluster-connector".to_owned()));
        }
        variables.push((name.to_owned(), value.to_owned()));
        let ended = process::run("cluster-manager", &variables, [""; 0]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(2), line), "{name}");
    }
}

#[tokio::test]
async fn the_existing_charms_command_line_works() {
    let hub = hub_without_units().await;
    let mut variables = hub.variables().to_vec();
    variables.push(("SERVICE".to_owned(), "cli".to_owned()));
    let made =
        process::run("cluster-manager", &variables, ["enroll", "a", "-d", "x", "-e", "2100-01-02T03:04:05Z"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let token = JoinToken::decode(&made.out).unwrap();
    assert_eq!(token.expires_at, time::macros::datetime!(2100-01-02 03:04:05 UTC));
    assert!(made.err.contains(&format!("microcloud cluster-manager join {}", made.out.trim())), "{made:?}");

    let folder = tempfile::tempdir().unwrap();
    let older = folder.path().join("microcloud-cluster-manager");
    std::os::unix::fs::symlink(programs::path("cluster-manager"), &older).unwrap();
    let mut command = command("cluster-manager", hub.variables());
    let environment: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command = std::process::Command::new(older);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.args(["enroll", "b"]).output().unwrap();
    assert_eq!(JoinToken::decode(std::str::from_utf8(&output.stdout).unwrap()).unwrap().server_name, "b");
}

#[tokio::test]
async fn environment_alone_starts_either_service_and_sigterm_ends_it() {
    let hub = hub_without_units().await;
    // The connector has no use for an identity provider.
    for (service, path, issuer) in [
        ("cluster-connector", "/", "anything at all"),
        ("management-api", "/1.0/status", "https://idp.example.com"),
    ] {
        let (port, status) = (harness::hub::free_port(), harness::hub::free_port());
        let mut variables = hub.variables().to_vec();
        variables.retain(|(name, _)| name != "STATUS_PORT");
        for (name, value) in [
            ("SERVICE", service.to_owned()),
            ("SERVER_HOST", "127.0.0.1".to_owned()),
            ("SERVER_PORT", port.to_string()),
            ("STATUS_PORT", status.to_string()),
            ("OIDC_ISSUER", issuer.to_owned()),
        ] {
            variables.retain(|(known, _)| known != name);
            variables.push((name.to_owned(), value));
        }
        let mut program = Program::start(command("cluster-manager", &variables));
        program.prints("ready").await;
        let options = agent::client::CallOptions {
            path: path.to_owned(),
            ..agent::client::CallOptions::new(format!("localhost:{port}").parse().unwrap())
        };
        assert_eq!(agent::client::call(options).await.unwrap().status, 200, "{service}");
        TcpStream::connect(("127.0.0.1", status)).await.unwrap();
        program.signal(Signal::TERM);
        let (ended, said) = program.ends(Duration::from_secs(20)).await;
        assert!(ended.success(), "{service}: {said}");
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let completions = process::run("cluster-manager", &[], ["completions", shell]);
        assert!(completions.code == Some(0) && completions.out.contains("cluster-manager"), "{shell}");
    }
}

#[tokio::test]
async fn second_local_start_keeps_everything_and_ctrl_c_ends_it_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || {
        // Settings of another database in the environment must have no effect.
        let mut command = command("cluster-manager", &[("DB_HOST".to_owned(), "192.0.2.1".to_owned())]);
        command.arg("local").arg("--data").arg(&data);
        for flag in ["--connector-listen", "--management-listen", "--status-listen"] {
            command.args([flag, &format!("127.0.0.1:{}", harness::hub::free_port())]);
        }
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Program::start(command)
    };
    let settings = [("CONFIG_FILE".to_owned(), data.join("config.yaml").to_string_lossy().into_owned())];
    let mut first = start();
    first.prints("ready").await;
    let made = process::run("cluster-manager", &settings, ["token", "create", "site"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let again = process::run("cluster-manager", &[], ["local", "--data", data.to_str().unwrap()]);
    assert!(again.code == Some(4) && again.err.contains("already runs on"), "{again:?}");
    // As a terminal does: to the whole process group.
    let group = rustix::process::Pid::from_raw(first.id()).unwrap();
    rustix::process::kill_process_group(group, Signal::INT).unwrap();
    let (ended, said) = first.ends(Duration::from_secs(30)).await;
    assert!(ended.success() && !said.contains("not available"), "{said}");

    let certificate = std::fs::read(data.join("connector/tls.crt")).unwrap();
    let mut second = start();
    second.prints("ready").await;
    let listed = process::run("cluster-manager", &settings, ["token", "list"]);
    assert!(listed.out.contains("site"), "{listed:?}");
    assert_eq!(std::fs::read(data.join("connector/tls.crt")).unwrap(), certificate);
}

/// Every enrolled cluster pins the connector's leaf, so it changes only on purpose.
#[tokio::test]
async fn connector_with_another_certificate_starts_only_when_it_is_confirmed() {
    let hub = Hub::without_units(empty_database().await.unwrap(), &[]);
    let program = hub.start_program().await;
    hub.enrol("a").await;
    let folder = hub.folder().join("connector");
    std::fs::remove_dir_all(&folder).unwrap();
    server::certificate::ensure(&folder, [127, 0, 0, 1].into()).unwrap();
    let token = hub.cli(["token", "create", "b"]);
    assert!(token.code == Some(4) && token.err.contains("no cluster could join"), "{token:?}");
    program.kill();
    let (ended, said) = Program::start(hub.connector_command()).ends(Duration::from_secs(30)).await;
    assert_eq!(ended.code(), Some(4), "{said}");
    assert!(said.contains("the enrolled clusters (1) pin"), "{said}");
    let wanted = said.rsplit_once("CLUSTER_CONNECTOR_FINGERPRINT=").unwrap().1.trim().to_owned();
    let mut command = hub.connector_command();
    command.env("CLUSTER_CONNECTOR_FINGERPRINT", wanted);
    Program::start(command).prints("ready").await;
}
