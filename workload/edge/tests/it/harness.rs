//! A server with a route for each case, and clients that can misbehave.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edge::tls::{ClientCertificates, server_config};
use edge::{EdgeMetrics, Limits, MemoryBudget, ProxyPolicy, Server, ServerIdentity};
use prometheus_client::registry::Registry;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::routes::some_routes;

pub(crate) type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// The longest body that `POST /body` and `POST /json` accept.
pub(crate) const MAX_BODY_BYTES: usize = 200_000;

/// A certificate with its key.
pub(crate) struct Identity {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) key: KeyPair,
}

impl Identity {
    pub(crate) fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let der = CertificateParams::new(names).unwrap().self_signed(&key).unwrap().der().clone();
        Self { der, key }
    }

    pub(crate) fn p256() -> Self {
        Self::new(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub(crate) fn p384() -> Self {
        Self::new(&rcgen::PKCS_ECDSA_P384_SHA384)
    }

    pub(crate) fn write(&self, folder: &Path) {
        let pem = protocol::Certificate::from_der(self.der.to_vec()).unwrap().to_pem();
        std::fs::write(folder.join("tls.crt"), pem).unwrap();
        std::fs::write(folder.join("tls.key"), self.key.serialize_pem()).unwrap();
    }
}

/// The options of a test's server.
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) proxy: ProxyPolicy,
    pub(crate) close_after_response: bool,
    pub(crate) has_large_responses: bool,
    pub(crate) memory: MemoryBudget,
    pub(crate) client_certificates: ClientCertificates,
    pub(crate) alpn: &'static [&'static [u8]],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            proxy: ProxyPolicy::default(),
            close_after_response: false,
            has_large_responses: false,
            memory: MemoryBudget::default(),
            client_certificates: ClientCertificates::Requested,
            alpn: &[],
        }
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Arc<ServerIdentity>,
    pub(crate) leaf: CertificateDer<'static>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    /// Notified when `GET /slow` has started.
    pub(crate) started: Arc<Notify>,
    /// Lets `GET /slow` respond.
    pub(crate) finish: Arc<Notify>,
    registry: Registry,
}

impl TestServer {
    pub(crate) async fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shown = Identity::p256();
        shown.write(folder.path());
        let identity = ServerIdentity::load(folder.path()).unwrap();
        let tls = server_config(Arc::clone(&identity), options.client_certificates, options.alpn);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, mut registry) = (EdgeMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        let (started, finish, shutdown) = (Arc::default(), Arc::default(), CancellationToken::new());
        let Options { limits, proxy, close_after_response, has_large_responses, memory, .. } = options;
        let server = Server {
            name: "test",
            listener,
            tls,
            proxy,
            limits,
            close_after_response,
            has_large_responses,
            memory,
            metrics,
        };
        let serving = edge::serve(server, some_routes(&started, &finish), shutdown.clone());
        let serving = tokio::spawn(serving);
        Self { address, identity, leaf: shown.der, folder, shutdown, serving, started, finish, registry }
    }

    pub(crate) async fn connect(&self) -> Stream {
        self.client().connect(self.tcp().await).await.unwrap()
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).await.unwrap();
        // As deployed clients do. Otherwise every second write waits 40 ms for an acknowledgement.
        socket.set_nodelay(true).unwrap();
        socket
    }

    pub(crate) fn client(&self) -> Client {
        Client {
            leaf: self.leaf.clone(),
            certificate: None,
            versions: rustls::ALL_VERSIONS.to_vec(),
            alpn: Vec::new(),
        }
    }

    /// The value of the metric whose line begins with this.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_else(|| panic!("{name} in {text}")).trim().parse().unwrap()
    }

    pub(crate) fn handshakes(&self, outcome: &str) -> u64 {
        self.metric(&format!("handshakes_total{{server=\"test\",outcome=\"{outcome}\"}}"))
    }

    /// Waits until the metric whose line begins with this has at least this value.
    pub(crate) async fn wait_for(&self, name: &str, least: u64) {
        soon(async {
            while self.metric(name) < least {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    /// How many connections and streams were closed because of a limit.
    pub(crate) fn closed(&self, reason: &str) -> u64 {
        self.metric(&format!("closed_by_limit_total{{server=\"test\",reason=\"{reason}\"}}"))
    }

    /// Waits until every connection's socket is gone.
    pub(crate) async fn wait_until_closed(&self) {
        soon(async {
            while self.metric("connections_open{server=\"test\"}") > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        soon(self.serving).await.unwrap();
    }
}

pub(crate) struct Client {
    leaf: CertificateDer<'static>,
    certificate: Option<CertifiedKey>,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: Vec<Vec<u8>>,
}

impl Client {
    pub(crate) fn version(self, version: &'static SupportedProtocolVersion) -> Self {
        Self { versions: vec![version], ..self }
    }

    pub(crate) fn alpn(self, protocol: &[u8]) -> Self {
        Self { alpn: vec![protocol.to_vec()], ..self }
    }

    /// Presents these certificates, even if the key does not belong to them.
    pub(crate) fn presenting(self, chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key).unwrap();
        Self { certificate: Some(CertifiedKey::new(chain, key)), ..self }
    }

    pub(crate) async fn connect(self, socket: TcpStream) -> std::io::Result<Stream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.leaf).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.certificate {
            Some(certificate) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn;
        let name = ServerName::try_from("localhost").unwrap();
        soon(TlsConnector::from(Arc::new(config)).connect(name, socket)).await
    }
}

/// A response over HTTP/1.1.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl HttpResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(found, _)| *found == name))
            .map(|(_, v)| v)
    }

    pub(crate) fn metadata(&self) -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&self.body).unwrap()["metadata"].take()
    }
}

pub(crate) async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: impl AsRef<[u8]>) {
    stream.write_all(bytes.as_ref()).await.unwrap();
    stream.flush().await.unwrap();
}

pub(crate) async fn get(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> HttpResponse {
    send(stream, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    read_response(stream).await
}

pub(crate) async fn read_response(stream: &mut (impl AsyncRead + Unpin)) -> HttpResponse {
    soon(async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = HttpResponse { status, head, body: String::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        response.body = String::from_utf8(body).unwrap();
        response
    })
    .await
}

/// Waits until the other end closes. `Ok` with what was received if it closed properly, with TLS's `close_notify`.
pub(crate) async fn read_to_close(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.map(|_| rest)
}

/// Waits for an event that should happen within seconds.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), event).await.expect("the event should have happened by now")
}
