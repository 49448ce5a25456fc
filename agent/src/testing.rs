//! A fake hub for tests: TLS on loopback, with recorded requests and responses that the test chooses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use protocol::{Address, Fingerprint, JoinToken, Secret};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::DigitallySignedStruct;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use secrecy::ExposeSecret as _;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One request and the connection that it came on.
#[derive(Debug, Clone)]
pub(crate) struct SeenRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) client_certificates: Vec<CertificateDer<'static>>,
    pub(crate) port: u16,
}

/// The contents of the fake hub's certificate.
pub(crate) struct Leaf {
    pub(crate) names: Vec<&'static str>,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
}

/// A running fake hub. It ends with the test's runtime.
pub(crate) struct FakeHub {
    pub(crate) socket_address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    requests: Arc<Mutex<Vec<SeenRequest>>>,
}

type Responder = fn(&SeenRequest) -> (StatusCode, &'static str);

pub(crate) const OK: &str = r#"{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":{"next_update_in_seconds":"45","cluster_manager_address":"hub:1"}}"#;
pub(crate) const FORBIDDEN: &str = r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":403,"error":"Forbidden","metadata":null}"#;

/// Responds with 200, or with 400 if the body is not JSON.
pub(crate) fn accept_json(request: &SeenRequest) -> (StatusCode, &'static str) {
    let is_json =
        request.body.is_empty() || serde_json::from_slice::<serde_json::Value>(&request.body).is_ok();
    if is_json { (StatusCode::OK, OK) } else { (StatusCode::BAD_REQUEST, "{}") }
}

/// Responds with 403. The client ignores the status of probes.
pub(crate) fn forbid(_: &SeenRequest) -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, FORBIDDEN)
}

impl Default for Leaf {
    fn default() -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            names: vec!["127.0.0.1", "localhost"],
            not_before: now - Duration::DAY,
            not_after: now + Duration::DAY,
            purposes: vec![],
        }
    }
}

impl FakeHub {
    pub(crate) async fn start(leaf: Leaf, responder: Responder) -> Self {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = leaf.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        (params.not_before, params.not_after) = (leaf.not_before, leaf.not_after);
        params.extended_key_usages = leaf.purposes;
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let fingerprint = Fingerprint::of_der(&certificate);
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(AnyClient))
            .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket_address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&requests), responder));
        Self { socket_address, fingerprint, requests }
    }

    pub(crate) fn address(&self) -> Address {
        self.socket_address.to_string().parse().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn token(&self, name: &str) -> String {
        Self::token_with(name, vec![self.address()], self.fingerprint, Duration::HOUR)
    }

    pub(crate) fn token_with(
        name: &str,
        addresses: Vec<Address>,
        fingerprint: Fingerprint,
        validity: Duration,
    ) -> String {
        let token = JoinToken {
            secret: Secret::from_text("s3cret"),
            expires_at: OffsetDateTime::now_utc() + validity,
            addresses,
            server_name: name.to_owned(),
            fingerprint,
        };
        token.encode().expose_secret().to_owned()
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    requests: Arc<Mutex<Vec<SeenRequest>>>,
    responder: Responder,
) {
    loop {
        let (tcp, peer) = listener.accept().await.unwrap();
        let (acceptor, requests) = (acceptor.clone(), Arc::clone(&requests));
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let certificates = tls.get_ref().1.peer_certificates().unwrap_or_default();
            let certificates: Vec<_> = certificates.iter().map(|c| c.clone().into_owned()).collect();
            let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
                let (requests, client_certificates) = (Arc::clone(&requests), certificates.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let request = SeenRequest {
                        method: parts.method,
                        path: parts.uri.to_string(),
                        headers: parts.headers,
                        body,
                        client_certificates,
                        port: peer.port(),
                    };
                    let (status, text) = responder(&request);
                    requests.lock().unwrap().push(request);
                    Ok::<_, hyper::Error>(
                        http::Response::builder()
                            .status(status)
                            .header("Connection", "close")
                            .body(Full::new(Bytes::from_static(text.as_bytes())))
                            .unwrap(),
                    )
                }
            });
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service).await;
        });
    }
}

#[derive(Debug)]
struct AnyClient;

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[rustls::DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, leaf, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, leaf, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
