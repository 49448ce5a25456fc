//! TLS on the server's side: 1.3 and 1.2, its own reloadable certificate, clients' certificates asked for if wanted.

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

/// Whether a server wants to know its clients by certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Asked for, not required. Only that the client holds the key is verified: trust is the pinned fingerprint, and
    /// the application's to decide. Sessions are not resumed, since such clients never do.
    Requested,
    /// Not asked for.
    NotAsked,
}

/// The configuration of a server with this identity. `alpn` lists the protocols offered, in order of preference; HTTP/2
/// is spoken only if `h2` is among them.
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
        ClientCertificates::NotAsked => builder(provider).with_no_client_auth().with_cert_resolver(identity),
    };
    config.ignore_client_order = true;
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

/// The provider, suites over SHA-256 first: processors hash it in hardware, SHA-384 they do not, and a handshake hashes
/// a lot (a tenth of all that a heartbeat costs).
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

#[expect(
    clippy::expect_used,
    reason = "the provider's default suites serve both versions, whatever the input"
)]
fn builder(provider: Arc<CryptoProvider>) -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("aws-lc-rs has cipher suites for TLS 1.3 and 1.2")
}
