//! A cluster as a client of its hub: its keys, the hub's addresses and the pinned fingerprint.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use protocol::{Address, Fingerprint, JoinToken};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::call::{Network, Response, exchange};
use super::error::ClientError;
use super::keys::{Identity, Keys};
use super::payload::Payload;
use super::tls::{Tls, Trust};

/// The client of one cluster and its hub.
#[derive(Debug)]
pub struct ClusterClient {
    /// The cluster's name.
    pub name: String,
    /// The addresses of the hub, tried in order.
    pub addresses: Vec<Address>,
    /// The pinned fingerprint of the hub's certificate.
    pub fingerprint: Fingerprint,
    /// The cluster's certificate and key.
    pub keys: Arc<Keys>,
    /// The route and the timeout of connections.
    pub network: Network,
    /// The client certificate that calls present: that of `keys` unless a test replaces it.
    identity: Identity,
    tls: Arc<Tls>,
    call_config: Mutex<Option<(CertificateDer<'static>, Arc<ClientConfig>)>>,
}

/// A request to the hub.
#[derive(Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The headers besides `Host`, `User-Agent` and `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
}

/// The response to a call, and the times that its two connections took.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The response to the call, with any status.
    pub response: Response,
    /// The time from the start of the probe to its response.
    pub probe: Duration,
    /// The time from the start of the call to its response.
    pub call: Duration,
}

impl ClusterClient {
    /// The client of an enrolled cluster.
    pub fn new(
        name: impl Into<String>,
        addresses: Vec<Address>,
        fingerprint: Fingerprint,
        keys: Arc<Keys>,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            name: name.into(),
            addresses,
            fingerprint,
            identity: keys.identity(),
            keys,
            network: Network::default(),
            tls: Tls::shared()?,
            call_config: Mutex::new(None),
        })
    }

    /// The client of a cluster that is about to join with this token. An expired token is an error.
    pub fn from_token(token: &str, keys: Arc<Keys>) -> Result<Self, ClientError> {
        let token = JoinToken::decode(token)?;
        if token.expires_at <= OffsetDateTime::now_utc() {
            return Err(ClientError::TokenExpired);
        }
        Self::new(token.server_name, token.addresses, token.fingerprint, keys)
    }

    /// Replaces the TLS configuration.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = tls;
        self.call_config = Mutex::new(None);
        self
    }

    /// Replaces the route and the timeout of connections.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Replaces the client certificate that calls present.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self.call_config = Mutex::new(None);
        self
    }

    /// Makes a probe and a call. A response with any status is a success.
    ///
    /// Addresses are tried in order until a probe succeeds (contract 1.1); if the call then fails, no other address is
    /// tried.
    pub async fn exchange(&self, request: Request) -> Result<Exchange, ClientError> {
        let mut last_error = ClientError::NoAddress;
        for address in &self.addresses {
            let started = Instant::now();
            match self.probe(address).await {
                Ok(leaf) => return self.call(address, leaf, started, request).await,
                Err(error) if error.may_try_next_address() => last_error = error,
                Err(error) => return Err(error),
            }
        }
        Err(last_error)
    }

    /// As [`ClusterClient::exchange`], but any status other than 200 is an error.
    pub async fn expect_ok(&self, request: Request) -> Result<Exchange, ClientError> {
        let exchange = self.exchange(request).await?;
        if exchange.response.status == StatusCode::OK {
            Ok(exchange)
        } else {
            Err(refusal(&exchange.response))
        }
    }

    async fn probe(&self, address: &Address) -> Result<CertificateDer<'static>, ClientError> {
        let config = self.tls.config(&Identity::None, &Trust::Anyone)?;
        let (headers, body) = (HeaderMap::new(), Payload::whole(Bytes::new()));
        let response = exchange(&config, self.network, address, Method::GET, "/", &headers, body).await?;
        let found = Fingerprint::of_der(&response.leaf);
        if found == self.fingerprint {
            Ok(response.leaf)
        } else {
            let (address, expected) = (address.clone(), self.fingerprint);
            Err(ClientError::WrongFingerprint { address, found, expected })
        }
    }

    async fn call(
        &self,
        address: &Address,
        leaf: CertificateDer<'static>,
        started: Instant,
        request: Request,
    ) -> Result<Exchange, ClientError> {
        let probe = started.elapsed();
        let started = Instant::now();
        let config = self.call_config(leaf)?;
        let Request { method, path, headers, body } = request;
        let response = exchange(&config, self.network, address, method, &path, &headers, body).await?;
        Ok(Exchange { response, probe, call: started.elapsed() })
    }

    /// The TLS configuration of the call, cached because the hub's leaf certificate rarely changes.
    fn call_config(&self, leaf: CertificateDer<'static>) -> Result<Arc<ClientConfig>, ClientError> {
        let mut cached = self.call_config.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, config)) = cached.as_ref()
            && *known == leaf
        {
            return Ok(Arc::clone(config));
        }
        let config = self.tls.config(&self.identity, &Trust::Leaf(leaf.clone()))?;
        *cached = Some((leaf, Arc::clone(&config)));
        Ok(config)
    }
}

/// The error for a status other than 200, with the envelope's message or else the start of the body.
fn refusal(response: &Response) -> ClientError {
    let body = String::from_utf8_lossy(&response.body);
    let error = serde_json::from_str::<serde_json::Value>(&body)
        .ok()
        .and_then(|envelope| envelope.get("error").and_then(|error| error.as_str().map(str::to_owned)));
    let retry_after = response.headers.get(http::header::RETRY_AFTER);
    ClientError::Refused {
        status: response.status,
        body: error.unwrap_or_else(|| body.chars().take(500).collect()),
        retry_after: retry_after.and_then(|v| v.to_str().ok()?.parse().ok()).map(Duration::from_secs),
    }
}
