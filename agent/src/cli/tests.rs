//! Tests of the commands against a fake hub and a recorded LXD on a Unix socket.

use std::path::Path;

use bytes::Bytes;
use clap::CommandFactory as _;
use http::StatusCode;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;

use super::*;
use crate::state::StateDir;
use crate::testing::{FORBIDDEN, FakeHub, Leaf, OK, SeenRequest, accept_json};

/// Starts an LXD that responds with recordings and accepts any certificate.
fn start_lxd(folder: &Path) {
    let listener = UnixListener::bind(folder.join("unix.socket")).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                service_fn(async |request: http::Request<hyper::body::Incoming>| {
                    let (status, body) = recorded(request.uri().path());
                    http::Response::builder().status(status).body(Full::new(Bytes::from(body)))
                }),
            ));
        }
    });
}

fn recorded(path: &str) -> (u16, String) {
    let file = match path {
        "/1.0" => "server.json",
        "/1.0/instances" => "instances.json",
        "/1.0/storage-pools" => "storage-pools.json",
        "/1.0/storage-pools/default/resources" => "storage-pool-default.json",
        "/1.0/resources" => "resources.json",
        "/1.0/metrics" => "metrics.txt",
        "/1.0/certificates" => return (201, "{}".to_owned()),
        _ => return (404, "{}".to_owned()),
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recorded/standalone");
    (200, std::fs::read_to_string(format!("{folder}/{file}")).unwrap())
}

async fn cluster_agent(folder: &Path, args: &[&str]) -> Result<(), CliError> {
    let (state, lxd) = (folder.join("state"), folder.to_owned());
    let options =
        ["cluster-agent", "--state-dir", state.to_str().unwrap(), "--lxd-dir", lxd.to_str().unwrap()];
    let cli = Cli::try_parse_from(options.iter().chain(args)).unwrap();
    dispatch(&cli.directories, cli.command).await
}

fn forbid_heartbeats(request: &SeenRequest) -> (StatusCode, &'static str) {
    if request.path.ends_with("/status") { (StatusCode::FORBIDDEN, FORBIDDEN) } else { (StatusCode::OK, OK) }
}

#[tokio::test]
async fn cluster_joins_reports_and_leaves() {
    let (hub, folder) = (FakeHub::start(Leaf::default(), accept_json).await, tempfile::tempdir().unwrap());
    start_lxd(folder.path());
    cluster_agent(folder.path(), &["join", &hub.token("berlin")]).await.unwrap();
    cluster_agent(folder.path(), &["run", "--once"]).await.unwrap();
    cluster_agent(folder.path(), &["status"]).await.unwrap();
    cluster_agent(folder.path(), &["leave"]).await.unwrap();

    let requests = hub.requests();
    let heartbeat = protocol::Heartbeat::parse(&requests[3].body).unwrap();
    assert_eq!(heartbeat.details.instance_count(), 3);
    assert_eq!(heartbeat.metrics[0].member, "vm");
    assert_eq!((requests[5].method.as_str(), requests[5].path.as_str()), ("DELETE", "/1.0/remote-cluster"));
    let error = cluster_agent(folder.path(), &["run"]).await.unwrap_err();
    assert!(matches!(error, CliError::NotJoined));
}

/// From an argument, from several if it was not quoted, and from a file.
#[tokio::test]
async fn token_as_a_mail_delivers_it_joins() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let token = hub.token("berlin");
    let wrapped = |line_break: &str| {
        let lines = token.as_bytes().chunks(50).map(|line| String::from_utf8(line.to_vec()).unwrap());
        lines.collect::<Vec<_>>().join(line_break)
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wrapped("\r\n> ") + "\r\n").unwrap();
    let in_parts = wrapped(" ");
    let in_parts: Vec<&str> = ["join"].into_iter().chain(in_parts.split(' ')).collect();
    for arguments in [
        &["join", &format!("\u{201e}{}\u{201c}", wrapped("\n"))][..],
        &["join", token.trim_end_matches('=')],
        &in_parts,
        &["join", "--token-file", file.path().to_str().unwrap()],
    ] {
        let folder = tempfile::tempdir().unwrap();
        start_lxd(folder.path());
        cluster_agent(folder.path(), arguments).await.unwrap();
        let request = hub.requests().into_iter().rfind(|request| request.method == "POST").unwrap();
        // The hub receives the token as it created it.
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["token"],
            token.as_str()
        );
    }
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["join", "x y"][..], &["join", "--token-file", "/nowhere"]] {
        assert!(cluster_agent(folder.path(), arguments).await.is_err());
    }
    assert!(Cli::try_parse_from(["cluster-agent", "join"]).is_err());
}

#[tokio::test]
async fn second_join_is_refused_before_a_request_is_sent() {
    let (hub, folder) = (FakeHub::start(Leaf::default(), accept_json).await, tempfile::tempdir().unwrap());
    start_lxd(folder.path());
    cluster_agent(folder.path(), &["join", &hub.token("berlin")]).await.unwrap();
    let error = cluster_agent(folder.path(), &["join", &hub.token("berlin")]).await.unwrap_err();
    let hub_address = hub.address();
    assert_eq!(
        error.to_string(),
        format!(
            "this cluster has already joined {hub_address} as \"berlin\": run `cluster-agent leave` first"
        )
    );
    assert_eq!(hub.requests().len(), 2);
}

#[tokio::test]
async fn join_without_lxd_does_not_use_up_the_token() {
    let (hub, folder) = (FakeHub::start(Leaf::default(), accept_json).await, tempfile::tempdir().unwrap());
    let error = cluster_agent(folder.path(), &["join", &hub.token("berlin")]).await.unwrap_err();
    assert!(matches!(error, CliError::Lxd(_)), "{error}");
    assert!(hub.requests().is_empty());
}

#[tokio::test]
async fn refused_report_is_an_error_and_is_stored() {
    let hub = FakeHub::start(Leaf::default(), forbid_heartbeats).await;
    let folder = tempfile::tempdir().unwrap();
    start_lxd(folder.path());
    cluster_agent(folder.path(), &["join", &hub.token("berlin")]).await.unwrap();
    let error = cluster_agent(folder.path(), &["run", "--once"]).await.unwrap_err();
    assert_eq!(error.to_string(), "the hub responded with 403 Forbidden: Forbidden");
    let state = StateDir::open(&folder.path().join("state")).unwrap();
    assert_eq!(state.last_heartbeat().unwrap().unwrap().error, Some(error.to_string()));
}

#[tokio::test]
async fn unreachable_hub_is_forgotten_only_with_force() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let folder = tempfile::tempdir().unwrap();
    start_lxd(folder.path());
    let state = StateDir::open(&folder.path().join("state")).unwrap();
    let keys = state.keys(crate::state::Identity::Cluster).unwrap();
    let unreachable = vec!["127.0.0.1:1".parse().unwrap()];
    state
        .remember(&crate::client::ClusterClient::new("berlin", unreachable, hub.fingerprint, keys).unwrap())
        .unwrap();
    let error = cluster_agent(folder.path(), &["leave"]).await.unwrap_err();
    assert!(matches!(error, CliError::Leave(_)), "{error}");
    cluster_agent(folder.path(), &["leave", "--force"]).await.unwrap();
    assert_eq!(state.joined().unwrap(), None);
}

#[test]
fn help_matches_the_snapshot() {
    let help = |command: clap::Command| command.term_width(110).render_long_help().to_string();
    let mut cli = Cli::command();
    cli.build();
    let mut text = help(cli.clone());
    for name in ["join", "run", "leave", "status"] {
        let command = cli.find_subcommand(name).unwrap().clone();
        text = format!("{text}\n--- {name}\n{}", help(command));
    }
    insta::assert_snapshot!("cluster-agent-help", text);
    insta::assert_snapshot!("fleetsim-help", help(crate::fleetsim::Options::command()));
}
