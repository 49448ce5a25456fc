//! Certificate authorities that we trust.

use std::io;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

/// A set of trusted certificate authorities.
#[derive(Debug, Clone)]
pub struct TrustedAuthorities(RootCertStore);

/// Why a file of CA certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAuthorities {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// A PEM block is malformed.
    #[error(transparent)]
    Malformed(#[from] pem::Error),
    /// A certificate cannot serve as an authority.
    #[error(transparent)]
    Unusable(#[from] rustls::Error),
    /// There is no certificate.
    #[error("the file contains no certificate in PEM")]
    Empty,
}

impl TrustedAuthorities {
    /// No authorities: nothing is trusted.
    pub fn none() -> Self {
        Self(RootCertStore::empty())
    }

    /// The authorities that the operating system trusts. Those that cannot be read are skipped, so the set may be empty.
    #[cfg(feature = "system")]
    pub fn system() -> Self {
        let mut authorities = Self::none();
        // One unreadable root is no reason to trust none of the others.
        authorities.0.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        authorities
    }

    /// Reads a file with one or more certificates in PEM. See [`Self::from_pem`].
    pub fn load(path: &Path) -> Result<Self, InvalidAuthorities> {
        Self::from_pem(&std::fs::read(path)?)
    }

    /// Reads one or more certificates in PEM. Every one of them must be usable; PEM blocks of other kinds and the text
    /// around the blocks are ignored.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let mut authorities = Self::none();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            authorities.0.add(certificate?)?;
        }
        if authorities.0.is_empty() { Err(InvalidAuthorities::Empty) } else { Ok(authorities) }
    }

    /// Trusts the others as well.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0.roots);
    }

    /// The authorities as rustls keeps them.
    pub(crate) fn into_roots(self) -> RootCertStore {
        self.0
    }
}
