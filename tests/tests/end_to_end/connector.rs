//! What the connector owes clients that are odd, large or many, and a database that is sick (contract 1.1 and 1.2).

mod hanging_database;
mod large_reports;
mod refused_joins;
mod requests;
mod stock_client;

use std::time::Duration;

use agent::client::{CallOptions, ClientError, ClusterClient, Exchange, Identity, Network, Response, call};
use harness::Hub;
use http::Method;

/// The path for heartbeats.
const HEARTBEAT: &str = "/1.0/remote-cluster/status";
/// The path for joining and leaving.
const CLUSTER: &str = "/1.0/remote-cluster";

/// The status and the error's text of a response, after a check of its envelope's keys.
fn text(exchange: &Exchange) -> String {
    let envelope: serde_json::Value = serde_json::from_slice(&exchange.response.body).unwrap();
    format!("{} {}", exchange.response.status.as_u16(), envelope["error"].as_str().unwrap())
}

/// Joins without a check of the outcome.
async fn join(site: &ClusterClient, token: &str) -> Exchange {
    site.exchange(site.join_request(token, agent::client::Proof::Token).unwrap()).await.unwrap()
}

/// One call without a probe before it.
async fn direct(hub: &Hub, method: Method, path: &str, identity: Identity) -> Result<Response, ClientError> {
    call(CallOptions {
        method,
        path: path.to_owned(),
        identity,
        network: Network { timeout: Duration::from_secs(60), ..Network::default() },
        ..CallOptions::new(hub.address.clone())
    })
    .await
}
