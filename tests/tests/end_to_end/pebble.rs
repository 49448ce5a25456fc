//! The charm's layer in a real Pebble, with the real workload and a PostgreSQL that stops and starts.

use std::path::Path;
use std::time::Duration;

use agent::client::{CallOptions, ClusterClient, Network, Proof, Report, call};
use harness::hub::keys;
use harness::pebble::{Layer, Pebble};
use harness::{Hub, wait};
use protocol::{Address, Fingerprint};
use store::database::{Durability, LocalPostgres, create_database};
use store::testing::scratch_folder;

const LAYER: &str = include_str!("../../../charm/tests/golden/layer.yaml");
/// The ports in it.
const PEOPLES: u16 = 9000;
const SITES: u16 = 30000;

/// The charm's files beside the certificates.
fn put_files(folder: &Path, hub: &Hub) {
    let password = hub.variables().iter().find(|(name, _)| name == "DB_PASSWORD").unwrap();
    for (file, text) in [
        ("database-password", password.1.as_str()),
        ("encryption-keys", "0123456789abcdef0123456789abcdef\n"),
        ("oidc-client-secret", "known-to-two"),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
    }
}

/// The status of a service and the leaf that it presents.
async fn status(layer: &Layer, port: u16) -> Option<(u16, Fingerprint)> {
    let there = layer.address(port);
    let address = Address::new("localhost", there.port()).unwrap();
    let network = Network { connect_to: Some(there), ..Network::default() };
    let answer = call(CallOptions { path: "/1.0/status".to_owned(), network, ..CallOptions::new(address) });
    let answer = answer.await.ok()?;
    Some((answer.status.as_u16(), Fingerprint::of_der(&answer.leaf)))
}

#[tokio::test(flavor = "multi_thread")]
async fn layer_starts_the_workload_and_no_outage_restarts_it() {
    let folder = scratch_folder("pebble");
    let mut postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    create_database(&postgres.options("postgres"), "cm").await.unwrap();
    let hub = Hub::without_units(postgres.options("cm"), &[]);
    put_files(hub.folder(), &hub);
    let layer = Layer::on_this_machine(LAYER, hub.folder(), hub.variables());
    let pebble = Pebble::start().await;
    pebble.replan(&layer);

    // It starts, and all checks succeed.
    wait::until("all checks are up", Duration::from_secs(60), async || {
        let services = pebble.services();
        let checks = pebble.checks();
        services.len() == 2
            && services.values().all(|doing| doing.starts_with("active"))
            && !checks.is_empty()
            && checks.values().all(|up| *up)
            && status(&layer, PEOPLES).await.is_some_and(|(status, _)| status == 200)
            && status(&layer, SITES).await.is_some_and(|(status, _)| status == 200)
    })
    .await;
    let (services, processes) = (pebble.services(), pebble.processes());
    assert_eq!(processes.len(), 2, "a process each: {services:?}");
    assert_eq!((pebble.health("alive").await, pebble.health("ready").await), (Some(200), Some(200)));
    let connectors_leaf = hub.leaf("connector");
    assert_eq!(status(&layer, SITES).await, Some((200, connectors_leaf)));

    // It works: a cluster joins and reports.
    let token = pebble.exec("management-api", &["token", "create", "a"]);
    let network = Network { connect_to: Some(layer.address(SITES)), ..Network::default() };
    let site = ClusterClient::from_token(&token, keys("a")).unwrap().with_network(network);
    site.join(&token, Proof::Token).await.unwrap();
    site.heartbeat(Report::default().encode()).await.unwrap();

    // A second identical layer changes nothing.
    pebble.replan(&layer);
    assert_eq!((pebble.services(), pebble.processes()), (services.clone(), processes.clone()));

    // New files: the management API presents its new leaf, the connector keeps the one that clusters have pinned.
    hub.certify("management", &["localhost", "renewed.example.com"]);
    hub.certify("connector", &["localhost"]);
    assert_ne!(hub.leaf("connector"), connectors_leaf);
    let renewed = Some((200, hub.leaf("management")));
    wait::until("the new certificate is shown", Duration::from_secs(30), async || {
        status(&layer, PEOPLES).await == renewed
    })
    .await;
    wait::until("the connector says that it shows the old one", Duration::from_secs(30), async || {
        pebble.logs().contains("contain a different certificate from the one that clusters pin")
    })
    .await;
    assert_eq!(status(&layer, SITES).await, Some((200, connectors_leaf)));
    site.heartbeat(Report::default().encode()).await.unwrap();

    // Without its database it is alive but not ready, and it is not restarted.
    let port = postgres.port();
    postgres.stop();
    pebble.health_becomes("ready", 502).await;
    assert_eq!(pebble.health("alive").await, Some(200));
    let down: Vec<_> = pebble.checks().into_iter().filter(|(_, up)| !up).map(|(name, _)| name).collect();
    assert!(!down.is_empty() && down.iter().all(|name| !name.contains("alive")), "{down:?}");
    assert_eq!((pebble.services(), pebble.processes()), (services.clone(), processes.clone()));

    let _postgres = LocalPostgres::start(&folder, Some(port), Durability::None).unwrap();
    pebble.health_becomes("ready", 200).await;
    assert_eq!((pebble.services(), pebble.processes()), (services, processes));
    site.heartbeat(Report::default().encode()).await.unwrap();
    assert_eq!(status(&layer, PEOPLES).await, renewed);
}
