//! TLS configurations: one shared by all probes, one for each pair of pinned certificate and identity.

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

use super::{ClientError, Identity};

/// Whom a connection trusts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Anyone, nothing is verified: the probe.
    Anyone,
    /// Exactly this certificate, within its dates, for the host that is called: the call.
    Leaf(CertificateDer<'static>),
    /// The certificate with this fingerprint, whatever host or dates it names: how LXD's own clients trust.
    Fingerprint(Fingerprint),
}

/// Which key exchange a client offers first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TlsGroups {
    /// X25519 with ML-KEM-768, as current Go programs do.
    #[default]
    Hybrid,
    /// X25519 alone, as older Go programs do.
    X25519,
    /// P-256 alone.
    P256,
}

/// What all connections of a program share: the cryptography and the probe's configuration.
#[derive(Debug)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    versions: Vec<&'static SupportedProtocolVersion>,
    probe: Arc<ClientConfig>,
}

#[derive(Debug)]
struct Presented(Arc<CertifiedKey>);

impl Tls {
    /// Configurations that offer these groups first.
    pub fn new(groups: TlsGroups) -> Result<Arc<Self>, ClientError> {
        Self::with_versions(groups, rustls::DEFAULT_VERSIONS)
    }

    /// Configurations for certain TLS versions only; the oldest clients speak TLS 1.2.
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

    /// The program's default, made once.
    pub fn shared() -> Result<Arc<Self>, ClientError> {
        static SHARED: OnceLock<Arc<Tls>> = OnceLock::new();
        if let Some(tls) = SHARED.get() {
            return Ok(Arc::clone(tls));
        }
        let tls = Self::new(TlsGroups::default())?;
        Ok(Arc::clone(SHARED.get_or_init(|| tls)))
    }

    /// A configuration for one trust and one identity. The probe's costs nothing.
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
        Identity::Chain(key) => builder.with_client_cert_resolver(Arc::new(Presented(Arc::clone(key)))),
    };
    // Deployed clusters start every connection anew and offer no protocol but HTTP/1.1, without naming it.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

// === impl Presented ===

impl ResolvesClientCert for Presented {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
