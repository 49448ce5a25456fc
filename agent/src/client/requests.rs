//! The three calls to the connector: join, heartbeat and leave (contract 1.2).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use protocol::envelope::{Envelope, HeartbeatResponse};
use protocol::{JoinToken, proof};
use serde::Serialize;

use super::cluster::{ClusterClient, Exchange, Request};
use super::error::ClientError;
use super::keys::Keys;
use super::payload::Payload;
use super::report::Report;

/// The path for joining (POST) and leaving (DELETE).
pub const JOIN_PATH: &str = "/1.0/remote-cluster";
/// The path for heartbeats (POST).
pub const HEARTBEAT_PATH: &str = "/1.0/remote-cluster/status";

/// How a join request proves knowledge of the token (contract 1.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Proof {
    /// Send the whole token in the body, as MicroCloud does.
    #[default]
    Token,
    /// Send an HMAC of the body in a header, and not the token.
    Hmac,
}

/// The hub's acknowledgement of a heartbeat.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The time until the next heartbeat, if the hub sent it.
    pub next_update: Option<Duration>,
    /// The hub's address, if the hub sent it.
    pub hub_address: Option<String>,
    /// The response with its timing.
    pub exchange: Exchange,
}

#[derive(Serialize)]
struct JoinBody<'a> {
    cluster_name: &'a str,
    cluster_certificate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// Joins the hub under the name in the token. The returned client can send heartbeats.
pub async fn join(token: &str, keys: Arc<Keys>, proof: Proof) -> Result<ClusterClient, ClientError> {
    let cluster = ClusterClient::from_token(token, keys)?;
    cluster.join(token, proof).await?;
    Ok(cluster)
}

/// Sends one heartbeat.
pub async fn heartbeat(cluster: &ClusterClient, report: &Report) -> Result<Acknowledged, ClientError> {
    cluster.heartbeat(report.encode()).await
}

/// Makes the cluster leave its hub.
pub async fn leave(cluster: &ClusterClient) -> Result<Exchange, ClientError> {
    cluster.expect_ok(Request::new(Method::DELETE, JOIN_PATH, Bytes::new())).await
}

/// Encodes the body of a join request.
pub fn join_body(cluster_name: &str, certificate_pem: &str, token: Option<&str>) -> Bytes {
    let body = JoinBody { cluster_name, cluster_certificate: certificate_pem, token };
    serde_json::to_vec(&body).unwrap_or_default().into()
}

/// Parses the response to a heartbeat. MicroCloud ignores it, so unexpected content is not an error.
pub fn parse_acknowledgement(exchange: Exchange) -> Acknowledged {
    let metadata = serde_json::from_slice::<Envelope<HeartbeatResponse>>(&exchange.response.body)
        .ok()
        .map(|envelope| envelope.metadata);
    let next_update = metadata.as_ref().and_then(|m| m.next_update_in_seconds.parse().ok());
    Acknowledged {
        next_update: next_update.map(Duration::from_secs),
        hub_address: metadata.map(|m| m.cluster_manager_address),
        exchange,
    }
}

// === impl ClusterClient ===

impl ClusterClient {
    /// Joins the hub with a token.
    pub async fn join(&self, token: &str, proof: Proof) -> Result<Exchange, ClientError> {
        self.expect_ok(self.join_request(token, proof)?).await
    }

    /// Builds the join request, which a caller may change before sending it.
    pub fn join_request(&self, token: &str, proof: Proof) -> Result<Request, ClientError> {
        let token_in_body = (proof == Proof::Token).then_some(token);
        let body = join_body(&self.name, &self.keys.certificate_pem(), token_in_body);
        let mut request = Request::new(Method::POST, JOIN_PATH, body.clone());
        if proof == Proof::Hmac {
            let proof_header = proof::sign(JoinToken::decode(token)?.secret.expose(), &body);
            let value =
                HeaderValue::try_from(proof_header).map_err(|error| ClientError::Keys(error.to_string()))?;
            request.headers.insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Sends a heartbeat with an encoded body.
    pub async fn heartbeat(&self, body: impl Into<Payload>) -> Result<Acknowledged, ClientError> {
        self.expect_ok(Request::new(Method::POST, HEARTBEAT_PATH, body)).await.map(parse_acknowledgement)
    }
}

// === impl Request ===

impl Request {
    /// A request without extra headers.
    pub fn new(method: Method, path: &str, body: impl Into<Payload>) -> Self {
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: body.into() }
    }
}
