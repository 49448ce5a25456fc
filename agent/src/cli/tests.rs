//! The commands against a hub on loopback and a recorded LXD on a socket.

use std::path::Path;

use bytes::Bytes;
use clap::CommandFactory as _;
use http::StatusCode;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;

use super::*;
use crate::testing::{FORBIDDEN, FakeHub, Leaf, OK, Seen, agreeable};

/// An LXD that answers with recordings and takes any certificate.
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
    let places =
        ["cluster-agent", "--state-dir", state.to_str().unwrap(), "--lxd-dir", lxd.to_str().unwrap()];
    let cli = Cli::try_parse_from(places.iter().chain(args)).unwrap();
    dispatch(&cli.places, cli.command).await
}

fn forbidding_heartbeats(seen: &Seen) -> (StatusCode, &'static str) {
    if seen.path.ends_with("/status") { (StatusCode::FORBIDDEN, FORBIDDEN) } else { (StatusCode::OK, OK) }
}

#[tokio::test]
async fn a_cluster_joins_reports_and_leaves() {
    let (hub, folder) = (FakeHub::start(Leaf::default(), agreeable).await, tempfile::tempdir().unwrap());
    start_lxd(folder.path());
    cluster_agent(folder.path(), &["join", &hub.token("site")]).await.unwrap();
    cluster_agent(folder.path(), &["run", "--once"]).await.unwrap();
    cluster_agent(folder.path(), &["status"]).await.unwrap();
    cluster_agent(folder.path(), &["leave"]).await.unwrap();

    let seen = hub.seen();
    let beat = protocol::Heartbeat::parse(&seen[3].body).unwrap();
    assert_eq!(beat.details.instance_count(), 3);
    assert_eq!(beat.metrics[0].member, "vm");
    assert_eq!((seen[5].method.as_str(), seen[5].path.as_str()), ("DELETE", "/1.0/remote-cluster"));
    let error = cluster_agent(folder.path(), &["run"]).await.unwrap_err();
    assert!(matches!(error, CliError::NotJoined));
}

#[tokio::test]
async fn joining_twice_is_refused_before_anything_is_sent() {
    let (hub, folder) = (FakeHub::start(Leaf::default(), agreeable).await, tempfile::tempdir().unwrap());
    start_lxd(folder.path());
    cluster_agent(folder.path(), &["join", &hub.token("site")]).await.unwrap();
    let error = cluster_agent(folder.path(), &["join", &hub.token("site")]).await.unwrap_err();
    let hub_address = hub.at();
    assert_eq!(
        error.to_string(),
        format!("this cluster has already joined {hub_address} as site: run `cluster-agent leave` first")
    );
    assert_eq!(hub.seen().len(), 2);
}

#[tokio::test]
async fn no_token_is_used_up_without_an_lxd() {
    let (hub, folder) = (FakeHub::start(Leaf::default(), agreeable).await, tempfile::tempdir().unwrap());
    let error = cluster_agent(folder.path(), &["join", &hub.token("site")]).await.unwrap_err();
    assert!(matches!(error, CliError::Lxd(_)), "{error}");
    assert!(hub.seen().is_empty());
}

#[tokio::test]
async fn a_refused_report_is_an_error_and_is_remembered() {
    let hub = FakeHub::start(Leaf::default(), forbidding_heartbeats).await;
    let folder = tempfile::tempdir().unwrap();
    start_lxd(folder.path());
    cluster_agent(folder.path(), &["join", &hub.token("site")]).await.unwrap();
    let error = cluster_agent(folder.path(), &["run", "--once"]).await.unwrap_err();
    assert_eq!(error.to_string(), "the hub answered 403 Forbidden: Forbidden");
    let state = StateDir::open(&folder.path().join("state")).unwrap();
    assert_eq!(state.last_beat().unwrap().unwrap().error, Some(error.to_string()));
}

#[tokio::test]
async fn a_hub_that_is_gone_is_forgotten_by_force_only() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let folder = tempfile::tempdir().unwrap();
    start_lxd(folder.path());
    let state = StateDir::open(&folder.path().join("state")).unwrap();
    let keys = state.keys(crate::state::Identity::Cluster).unwrap();
    let gone = vec!["127.0.0.1:1".parse().unwrap()];
    state.remember(&crate::client::Site::new("site", gone, hub.fingerprint, keys).unwrap()).unwrap();
    let error = cluster_agent(folder.path(), &["leave"]).await.unwrap_err();
    assert!(matches!(error, CliError::CannotTell(_)), "{error}");
    cluster_agent(folder.path(), &["leave", "--force"]).await.unwrap();
    assert_eq!(state.joined().unwrap(), None);
}

#[test]
fn help_is_as_it_was() {
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
