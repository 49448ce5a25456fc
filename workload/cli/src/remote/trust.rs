//! Which certificates are trusted, and why one was refused.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use protocol::Fingerprint;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::Failure;

/// Which certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those that chain to one of the system's roots.
    System,
    /// Those that chain to a root in this file.
    File(PathBuf),
    /// Only the one with this fingerprint.
    Fingerprint(Fingerprint),
}

/// A certificate that was refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// The fingerprint of the certificate.
    pub(super) presented: Fingerprint,
    /// The reason, as part of a sentence.
    pub(super) why: String,
}

/// Where a client's connections record why they refuse a certificate: the HTTP library only reports that they fail.
pub(super) type Notes = Arc<OnceLock<Refused>>;

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    accepted: Accepted,
    notes: Notes,
}

#[derive(Debug)]
enum Accepted {
    Authorities(Arc<WebPkiServerVerifier>),
    Leaf(Fingerprint),
    None,
}

/// Returns the TLS configuration for a hub.
pub(super) fn client_config(trust: &Trust, notes: Notes) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let accepted = match trust {
        Trust::Fingerprint(fingerprint) => Accepted::Leaf(*fingerprint),
        Trust::File(path) => authorities(&provider, read(path)?)?,
        Trust::System => authorities(&provider, system_roots())?,
    };
    config(provider, accepted, notes)
}

/// Returns the TLS configuration for the identity provider of a hub: the system's roots, and those in the file that is
/// trusted for the hub.
pub(super) fn provider_config(trust: &Trust) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = system_roots();
    if let Trust::File(path) = trust {
        roots.extend(read(path)?.roots);
    }
    let accepted = authorities(&provider, roots)?;
    config(provider, accepted, Notes::default())
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // A root that cannot be read is skipped.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn config(provider: Arc<CryptoProvider>, accepted: Accepted, notes: Notes) -> Result<ClientConfig, Failure> {
    let verifier = Arc::new(Verifier { provider: provider.clone(), accepted, notes });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::other)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn authorities(provider: &Arc<CryptoProvider>, roots: RootCertStore) -> Result<Accepted, Failure> {
    if roots.is_empty() {
        return Ok(Accepted::None);
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    Ok(Accepted::Authorities(builder.build().map_err(Failure::other)?))
}

fn read(path: &Path) -> Result<RootCertStore, Failure> {
    let at = |problem: &dyn ToString| Failure::Usage(format!("{}: {}", path.display(), problem.to_string()));
    let pem = std::fs::read(path).map_err(|error| at(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| at(&error))?;
        roots.add(certificate).map_err(|error| at(&error))?;
    }
    if roots.is_empty() { Err(at(&"the file contains no certificate in PEM")) } else { Ok(roots) }
}

// === impl Verifier ===

impl Verifier {
    fn note(&self, leaf: &CertificateDer<'_>, error: Error) -> Error {
        let why = match &error {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                "it is not signed by a trusted CA".to_owned()
            }
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => "it is for another host".to_owned(),
            Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => "it has expired".to_owned(),
            other => other.to_string(),
        };
        let _ = self.notes.set(Refused { presented: Fingerprint::of_der(leaf), why });
        error
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.accepted {
            Accepted::Authorities(verifier) => {
                verifier.verify_server_cert(leaf, intermediates, name, ocsp, now)
            }
            Accepted::Leaf(wanted) if Fingerprint::of_der(leaf) == *wanted => {
                Ok(ServerCertVerified::assertion())
            }
            Accepted::Leaf(_) | Accepted::None => Err(CertificateError::UnknownIssuer.into()),
        }
        .map_err(|error| self.note(leaf, error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
