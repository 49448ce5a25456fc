//! A site as the hub sees it: its keys, and the addresses and the pin under which it knows the hub.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use protocol::{Address, Fingerprint, JoinToken};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::call::exchange;
use super::{ClientError, Identity, Keys, Network, Payload, Response, Tls, Trust};

/// A site and the hub it talks to.
#[derive(Debug)]
pub struct Site {
    /// The cluster's name.
    pub name: String,
    /// Where the hub is, tried in turn.
    pub addresses: Vec<Address>,
    /// The hub's pinned certificate.
    pub fingerprint: Fingerprint,
    /// The cluster's certificate and key.
    pub keys: Arc<Keys>,
    /// Which way connections take.
    pub network: Network,
    /// What the calls present; the keys' own certificate unless a test wants otherwise.
    identity: Identity,
    tls: Arc<Tls>,
    call_config: Mutex<Option<(CertificateDer<'static>, Arc<ClientConfig>)>>,
}

/// What to ask of the hub.
#[derive(Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// More headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
}

/// An answer, and how long its two connections took.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The answer to the call, whatever its status.
    pub response: Response,
    /// From the start of the probe to its answer.
    pub probe: Duration,
    /// From the start of the call to its answer.
    pub call: Duration,
}

impl Site {
    /// A site that knows its hub already.
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

    /// A site that is about to join with this token, if it has not expired.
    pub fn from_token(token: &str, keys: Arc<Keys>) -> Result<Self, ClientError> {
        let token = JoinToken::decode(token)?;
        if token.expires_at <= OffsetDateTime::now_utc() {
            return Err(ClientError::TokenExpired);
        }
        Self::new(token.server_name, token.addresses, token.fingerprint, keys)
    }

    /// The same site with other TLS groups.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = tls;
        self.call_config = Mutex::new(None);
        self
    }

    /// The same site taking another way.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// The same site presenting something else than its own certificate.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self.call_config = Mutex::new(None);
        self
    }

    /// Probe and call. Any status is an answer; a body can be delivered once, so once a call has begun to send it no
    /// other address is tried.
    pub async fn exchange(&self, request: Request) -> Result<Answer, ClientError> {
        let mut last = ClientError::NoAddress;
        for address in &self.addresses {
            let started = Instant::now();
            match self.probe(address).await {
                Ok(leaf) => return self.call(address, leaf, started, request).await,
                Err(error) if error.may_try_next_address() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// [`Site::exchange`], where any status but 200 is an error.
    pub async fn expect_ok(&self, request: Request) -> Result<Answer, ClientError> {
        let answer = self.exchange(request).await?;
        if answer.response.status == StatusCode::OK { Ok(answer) } else { Err(refusal(&answer.response)) }
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
    ) -> Result<Answer, ClientError> {
        let probe = started.elapsed();
        let started = Instant::now();
        let config = self.call_config(leaf)?;
        let Request { method, path, headers, body } = request;
        let response = exchange(&config, self.network, address, method, &path, &headers, body).await?;
        Ok(Answer { response, probe, call: started.elapsed() })
    }

    /// The leaf hardly ever changes, and a configuration holds no state of a connection: it is kept.
    fn call_config(&self, leaf: CertificateDer<'static>) -> Result<Arc<ClientConfig>, ClientError> {
        let mut kept = self.call_config.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, config)) = kept.as_ref()
            && *known == leaf
        {
            return Ok(Arc::clone(config));
        }
        let config = self.tls.config(&self.identity, &Trust::Leaf(leaf.clone()))?;
        *kept = Some((leaf, Arc::clone(&config)));
        Ok(config)
    }
}

/// What a person should read of an answer that is not 200: the envelope's error where there is one.
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
