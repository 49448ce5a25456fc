//! TLS for servers: versions 1.3 and 1.2, a certificate that can be renewed, and client certificates on request.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

mod client_certificates;
mod identity;
mod watch;

pub use identity::{IdentityError, ServerIdentity};

use client_certificates::AnyClientCertificate;

/// Whether a server asks its clients for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// The server asks for a certificate, but does not require one. It only verifies that the client holds the key: the
    /// application decides by the fingerprint. Sessions are not resumed, because these clients never resume them.
    Requested,
    /// The server does not ask for a certificate.
    NotRequested,
}

/// The configuration of a server with this identity. `alpn` lists the supported protocols in order of preference. HTTP/2
/// is available only if `h2` is among them.
pub fn server_config(
    identity: Arc<ServerIdentity>,
    client_certificates: ClientCertificates,
    alpn: &[&[u8]],
) -> Arc<ServerConfig> {
    let provider = Arc::new(provider());
    let mut config = match client_certificates {
        ClientCertificates::Requested => {
            let algorithms = provider.signature_verification_algorithms;
            let verifier = Arc::new(AnyClientCertificate::new(algorithms));
            let mut config =
                builder(provider).with_client_cert_verifier(verifier).with_cert_resolver(identity);
            config.send_tls13_tickets = 0;
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config
        }
        ClientCertificates::NotRequested => {
            builder(provider).with_no_client_auth().with_cert_resolver(identity)
        }
    };
    config.ignore_client_order = true;
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

/// The provider, preferring cipher suites with SHA-256. Processors compute it in hardware, but not SHA-384, and the hashes
/// of a handshake are a tenth of the cost of a heartbeat.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| {
        matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        )
    });
    provider
}

#[expect(clippy::expect_used, reason = "the default cipher suites of the provider support both versions")]
fn builder(provider: Arc<CryptoProvider>) -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("aws-lc-rs has cipher suites for TLS 1.3 and 1.2")
}
