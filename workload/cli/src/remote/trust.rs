//! Which certificates are trusted, and why one was refused.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use protocol::Fingerprint;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, ClientConfig, Error};
use tls_client::{
    AcceptCertificate, PinnedLeaf, PresentedCertificate, SignedByAuthority, TrustedAuthorities,
};

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

/// Accepts what `accept` does, and notes what it refuses.
#[derive(Debug)]
struct Noting {
    accept: Box<dyn AcceptCertificate>,
    notes: Notes,
}

/// Returns the TLS configuration for a hub.
pub(super) fn client_config(trust: &Trust, notes: Notes) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let accept: Box<dyn AcceptCertificate> = match trust {
        Trust::Fingerprint(fingerprint) => Box::new(PinnedLeaf::new(*fingerprint)),
        Trust::File(path) => Box::new(signed_by(&provider, load(path)?)?),
        Trust::System => Box::new(signed_by(&provider, TrustedAuthorities::system())?),
    };
    tls_client::client_config(provider, Noting { accept, notes }).map_err(Failure::other)
}

/// Returns the TLS configuration for the identity provider of a hub: the system's roots, and those in the file that is
/// trusted for the hub.
pub(super) fn provider_config(trust: &Trust) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut authorities = TrustedAuthorities::system();
    if let Trust::File(path) = trust {
        authorities.extend(load(path)?);
    }
    let accept = signed_by(&provider, authorities)?;
    tls_client::client_config(provider, accept).map_err(Failure::other)
}

fn signed_by(
    provider: &Arc<CryptoProvider>,
    authorities: TrustedAuthorities,
) -> Result<SignedByAuthority, Failure> {
    SignedByAuthority::new(provider, authorities).map_err(Failure::other)
}

fn load(path: &Path) -> Result<TrustedAuthorities, Failure> {
    TrustedAuthorities::load(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

// === impl Noting ===

impl Noting {
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

impl AcceptCertificate for Noting {
    fn accept(&self, presented: &PresentedCertificate<'_>) -> Result<(), Error> {
        self.accept.accept(presented).map_err(|error| self.note(presented.leaf, error))
    }
}
