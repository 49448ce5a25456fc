//! The three things that a site asks of its hub: join, heartbeat, leave (contract 1.2).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use protocol::envelope::{Envelope, HeartbeatResponse};
use protocol::{JoinToken, proof};
use serde::Serialize;

use super::{Answer, ClientError, Keys, Payload, Report, Request, Site};

/// Where clusters join, and which they delete to leave.
pub const JOIN_PATH: &str = "/1.0/remote-cluster";
/// Where heartbeats go.
pub const HEARTBEAT_PATH: &str = "/1.0/remote-cluster/status";

/// How a site proves that it holds the token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Proof {
    /// The whole token in the body, as MicroCloud does.
    #[default]
    Token,
    /// A keyed hash over the body in a header; the token itself stays here.
    Hmac,
}

/// A heartbeat that the hub has taken.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// When the hub would like the next one, if it said so.
    pub next_update: Option<Duration>,
    /// The hub's own idea of its address, if it said so.
    pub hub_address: Option<String>,
    /// The answer with its times.
    pub answer: Answer,
}

#[derive(Serialize)]
struct JoinBody<'a> {
    cluster_name: &'a str,
    cluster_certificate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// Enrols a cluster under its token's name. The site that comes back can send heartbeats.
pub async fn join(token: &str, keys: Arc<Keys>, proof: Proof) -> Result<Site, ClientError> {
    let site = Site::from_token(token, keys)?;
    site.join(token, proof).await?;
    Ok(site)
}

/// Sends one heartbeat.
pub async fn heartbeat(site: &Site, report: &Report) -> Result<Acknowledged, ClientError> {
    site.heartbeat(report.encode()).await
}

/// Removes the cluster from its hub.
pub async fn leave(site: &Site) -> Result<Answer, ClientError> {
    site.expect_ok(Request::new(Method::DELETE, JOIN_PATH, Bytes::new())).await
}

/// The body of a join request.
pub fn join_body(cluster_name: &str, certificate_pem: &str, token: Option<&str>) -> Bytes {
    let body = JoinBody { cluster_name, cluster_certificate: certificate_pem, token };
    serde_json::to_vec(&body).unwrap_or_default().into()
}

/// Reads a heartbeat's answer. Today's clients do not look at it, so nothing in it is ever an error.
pub fn read_acknowledgement(answer: Answer) -> Acknowledged {
    let metadata = serde_json::from_slice::<Envelope<HeartbeatResponse>>(&answer.response.body)
        .ok()
        .map(|envelope| envelope.metadata);
    let next_update = metadata.as_ref().and_then(|m| m.next_update_in_seconds.parse().ok());
    Acknowledged {
        next_update: next_update.map(Duration::from_secs),
        hub_address: metadata.map(|m| m.cluster_manager_address),
        answer,
    }
}

// === impl Site ===

impl Site {
    /// Enrols this site with a token.
    pub async fn join(&self, token: &str, proof: Proof) -> Result<Answer, ClientError> {
        self.expect_ok(self.join_request(token, proof)?).await
    }

    /// The join request, to be sent as it is or changed first.
    pub fn join_request(&self, token: &str, proof: Proof) -> Result<Request, ClientError> {
        let token_in_body = (proof == Proof::Token).then_some(token);
        let body = join_body(&self.name, &self.keys.certificate_pem(), token_in_body);
        let mut request = Request::new(Method::POST, JOIN_PATH, body.clone());
        if proof == Proof::Hmac {
            let signed = proof::sign(JoinToken::decode(token)?.secret.expose(), &body);
            let signed =
                HeaderValue::try_from(signed).map_err(|error| ClientError::Keys(error.to_string()))?;
            request.headers.insert(header::AUTHORIZATION, signed);
        }
        Ok(request)
    }

    /// Sends a heartbeat whose body is already written.
    pub async fn heartbeat(&self, body: impl Into<Payload>) -> Result<Acknowledged, ClientError> {
        self.expect_ok(Request::new(Method::POST, HEARTBEAT_PATH, body)).await.map(read_acknowledgement)
    }
}

// === impl Request ===

impl Request {
    /// A request without further headers.
    pub fn new(method: Method, path: &str, body: impl Into<Payload>) -> Self {
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: body.into() }
    }
}
