//! One request over one fresh TLS connection.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use protocol::Address;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::ClientError;
use super::keys::Identity;
use super::payload::Payload;
use super::tls::{Tls, Trust};

const USER_AGENT: &str = concat!("cluster-agent/", env!("CARGO_PKG_VERSION"));
/// The largest response that is read, in bytes; more than the exposition of any member.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// A call with all its details.
#[derive(Debug)]
pub struct CallOptions {
    /// The address to call. Its host is the name that the certificate must contain, and the `Host` header.
    pub address: Address,
    /// The client certificate to present.
    pub identity: Identity,
    /// The server certificates to accept.
    pub trust: Trust,
    /// The HTTP method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// Headers besides `Host`, `User-Agent` and `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
    /// The route and the timeout of the connection.
    pub network: Network,
}

/// The route and the timeout of connections.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// Connects to this socket address instead of resolving the host.
    pub connect_to: Option<SocketAddr>,
    /// Connects from this local address.
    pub source: Option<IpAddr>,
    /// The limit for one connection with its request and response, 30 s by default.
    pub timeout: Duration,
}

/// A response with any status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The certificate that the server presented.
    pub leaf: CertificateDer<'static>,
}

/// Makes one call over a new connection. A response with any status is a success.
pub async fn call(options: CallOptions) -> Result<Response, ClientError> {
    let config = Tls::shared()?.config(&options.identity, &options.trust)?;
    let CallOptions { address, method, path, headers, body, network, .. } = options;
    exchange(&config, network, &address, method, &path, &headers, body).await
}

pub(super) async fn exchange(
    config: &Arc<ClientConfig>,
    network: Network,
    address: &Address,
    method: Method,
    path: &str,
    headers: &HeaderMap,
    body: Payload,
) -> Result<Response, ClientError> {
    let request = build_request(address, method, path, headers, body)?;
    let exchange = async {
        let stream = connect(config, network, address).await?;
        send_request(stream, request)
            .await
            .map_err(|source| ClientError::Http { address: address.clone(), source })
    };
    tokio::time::timeout(network.timeout, exchange)
        .await
        .unwrap_or_else(|_| Err(ClientError::Timeout { address: address.clone(), after: network.timeout }))
}

/// Builds the HTTP request. Deployed clients send neither `Content-Type` nor `Connection` (contract 1.1).
fn build_request(
    address: &Address,
    method: Method,
    path: &str,
    headers: &HeaderMap,
    body: Payload,
) -> Result<http::Request<Payload>, ClientError> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .body(body)
        .map_err(|error| ClientError::Http { address: address.clone(), source: error.into() })?;
    if let Ok(host) = HeaderValue::try_from(address.to_string()) {
        request.headers_mut().insert(header::HOST, host);
    }
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    for (name, value) in headers {
        request.headers_mut().append(name, value.clone());
    }
    Ok(request)
}

async fn connect(
    config: &Arc<ClientConfig>,
    network: Network,
    address: &Address,
) -> Result<TlsStream<TcpStream>, ClientError> {
    let tcp = connect_tcp(network, address)
        .await
        .map_err(|source| ClientError::Connect { address: address.clone(), source })?;
    let tls_error = |source| ClientError::Tls { address: address.clone(), source };
    let name = ServerName::try_from(address.host().to_owned())
        .map_err(|error| tls_error(std::io::Error::new(std::io::ErrorKind::InvalidInput, error)))?;
    TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.map_err(tls_error)
}

async fn connect_tcp(network: Network, address: &Address) -> std::io::Result<TcpStream> {
    let targets = match network.connect_to {
        Some(target) => vec![target],
        None => resolve(address).await?,
    };
    let mut last_error = std::io::Error::new(std::io::ErrorKind::NotFound, "the host name has no address");
    for target in targets {
        match connect_one(network.source, target).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

async fn resolve(address: &Address) -> std::io::Result<Vec<SocketAddr>> {
    // The resolver's thread pool would be the bottleneck of a simulated fleet, and an IP address does not need it.
    if let Ok(ip) = address.host().parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, address.port())]);
    }
    Ok(tokio::net::lookup_host((address.host(), address.port())).await?.collect())
}

async fn connect_one(source: Option<IpAddr>, target: SocketAddr) -> std::io::Result<TcpStream> {
    let Some(source) = source else {
        return TcpStream::connect(target).await;
    };
    let socket = if target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(target).await
}

async fn send_request(
    stream: TlsStream<TcpStream>,
    request: http::Request<Payload>,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let leaf = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
        .ok_or("the server presented no certificate")?
        .clone()
        .into_owned();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let response = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_RESPONSE_BYTES).collect().await?.to_bytes();
        Ok(Response { status: parts.status, headers: parts.headers, body, leaf })
    };
    // One task drives both. Dropping the connection closes it, as the server has already done.
    let (mut response, mut connection) = (pin!(response), pin!(connection));
    tokio::select! {
        biased;
        response = &mut response => return response,
        _ = &mut connection => {}
    }
    response.await
}

// === impl Network ===

impl Default for Network {
    fn default() -> Self {
        Self { connect_to: None, source: None, timeout: Duration::from_secs(30) }
    }
}

// === impl CallOptions ===

impl CallOptions {
    /// A probe: a GET of `/` without client certificate that accepts any server certificate.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            identity: Identity::None,
            trust: Trust::Anyone,
            method: Method::GET,
            path: "/".to_owned(),
            headers: HeaderMap::new(),
            body: Payload::whole(Bytes::new()),
            network: Network::default(),
        }
    }
}
