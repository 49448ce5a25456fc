//! TLS configurations: one that all probes share, and one for each pair of trusted certificate and identity.

use std::sync::{Arc, OnceLock};

use protocol::Fingerprint;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SupportedProtocolVersion};
use tls_client::{ExactLeaf, PinnedLeaf, ServerVerifier, Unverified};

use super::error::ClientError;
use super::keys::Identity;

/// The server certificates that a connection accepts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Any certificate, without verification; for probes.
    Anyone,
    /// Exactly this certificate, within its validity period and for the host called; for calls (contract 1.1).
    Leaf(CertificateDer<'static>),
    /// The certificate with this fingerprint, with any host name and validity period; for LXD.
    Fingerprint(Fingerprint),
}

/// The key exchange that a client offers first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TlsGroups {
    /// X25519 with ML-KEM-768, as in current Go programs.
    #[default]
    Hybrid,
    /// X25519 only, as in older Go programs.
    X25519,
    /// P-256 only.
    P256,
}

/// The TLS settings that connections share, and the configuration of probes.
#[derive(Debug)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    versions: Vec<&'static SupportedProtocolVersion>,
    probe: Arc<ClientConfig>,
}

#[derive(Debug)]
struct FixedCertificate(Arc<CertifiedKey>);

impl Tls {
    /// Settings that offer these groups first, with TLS 1.3 and 1.2.
    pub fn new(groups: TlsGroups) -> Result<Arc<Self>, ClientError> {
        Self::with_versions(groups, rustls::DEFAULT_VERSIONS)
    }

    /// Settings for certain TLS versions only. The oldest clients use TLS 1.2 (contract 1.1).
    pub fn with_versions(
        groups: TlsGroups,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<Self>, ClientError> {
        let kx_groups = match groups {
            TlsGroups::Hybrid => {
                vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1]
            }
            TlsGroups::X25519 => vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
            TlsGroups::P256 => vec![kx_group::SECP256R1, kx_group::SECP384R1],
        };
        let provider = Arc::new(CryptoProvider { kx_groups, ..default_provider() });
        let probe = build(&provider, versions, &Identity::None, Arc::new(Unverified::new(&provider)))?;
        Ok(Arc::new(Self { provider, versions: versions.to_vec(), probe }))
    }

    /// The default settings, created once per process.
    pub fn shared() -> Result<Arc<Self>, ClientError> {
        static SHARED: OnceLock<Arc<Tls>> = OnceLock::new();
        if let Some(tls) = SHARED.get() {
            return Ok(Arc::clone(tls));
        }
        let tls = Self::new(TlsGroups::default())?;
        Ok(Arc::clone(SHARED.get_or_init(|| tls)))
    }

    /// The configuration for one identity and one trust. That of probes is not built again.
    pub fn config(&self, identity: &Identity, trust: &Trust) -> Result<Arc<ClientConfig>, ClientError> {
        let verifier: Arc<dyn ServerCertVerifier> = match (trust, identity) {
            (Trust::Anyone, Identity::None) => return Ok(Arc::clone(&self.probe)),
            (Trust::Anyone, Identity::Chain(_)) => Arc::new(Unverified::new(&self.provider)),
            (Trust::Leaf(leaf), _) => {
                Arc::new(ServerVerifier::new(&self.provider, ExactLeaf::new(leaf.clone())))
            }
            (Trust::Fingerprint(fingerprint), _) => {
                Arc::new(ServerVerifier::new(&self.provider, PinnedLeaf::new(*fingerprint)))
            }
        };
        build(&self.provider, &self.versions, identity, verifier)
    }
}

fn build(
    provider: &Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    identity: &Identity,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<Arc<ClientConfig>, ClientError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .map_err(|error| ClientError::Keys(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        Identity::None => builder.with_no_client_auth(),
        Identity::Chain(key) => {
            builder.with_client_cert_resolver(Arc::new(FixedCertificate(Arc::clone(key))))
        }
    };
    // Deployed clusters neither resume sessions nor offer ALPN (contract 1.1).
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

// === impl FixedCertificate ===

impl ResolvesClientCert for FixedCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
