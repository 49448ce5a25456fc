//! The certificate and key of a server, from a directory with `tls.crt` and `tls.key`.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use protocol::Fingerprint;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

/// The certificate and key that a server presents. New handshakes use the newest pair; open connections keep theirs.
pub struct ServerIdentity {
    pub(super) files: Files,
    pub(super) is_pinned: bool,
    pub(super) current: ArcSwap<Loaded>,
}

/// Why a directory does not contain a usable certificate and key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("{}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The certificate is invalid.
    #[error("{}: {problem}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is invalid, or does not belong to the certificate.
    #[error("{}: {problem}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// The paths of the two files.
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// The contents of the two files, not parsed yet.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// A certificate with its key.
pub(super) struct Loaded {
    key: Arc<CertifiedKey>,
    pub(super) fingerprint: Fingerprint,
    not_after: OffsetDateTime,
    names: Vec<String>,
    /// The digest of the contents that it was loaded from.
    pub(super) digest: u64,
}

// === impl ServerIdentity ===

impl ServerIdentity {
    /// Reads `tls.crt` (PEM, the leaf first) and `tls.key` (PEM) and checks that they belong together.
    pub fn load(folder: &Path) -> Result<Arc<Self>, IdentityError> {
        Self::load_with(folder, false)
    }

    /// The same for an identity whose leaf others pin: [`Self::watch`] never presents another leaf, whatever the files
    /// contain later, because every client that pins the old one would lose its connection.
    pub fn load_pinned(folder: &Path) -> Result<Arc<Self>, IdentityError> {
        Self::load_with(folder, true)
    }

    fn load_with(folder: &Path, is_pinned: bool) -> Result<Arc<Self>, IdentityError> {
        let files = Files { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
        let loaded = files.load(&files.read()?)?;
        Ok(Arc::new(Self { files, is_pinned, current: ArcSwap::from_pointee(loaded) }))
    }

    /// The SHA-256 of the current leaf, which clusters pin.
    pub fn leaf_fingerprint(&self) -> Fingerprint {
        self.current.load().fingerprint
    }

    /// The end of the current leaf's validity.
    pub fn leaf_not_after(&self) -> OffsetDateTime {
        self.current.load().not_after
    }

    /// The DNS names and IP addresses of the current leaf.
    pub fn leaf_names(&self) -> Vec<String> {
        self.current.load().names.clone()
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().key))
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").field("leaf", &self.leaf_fingerprint()).finish_non_exhaustive()
    }
}

// === impl Files ===

impl Files {
    pub(super) fn read(&self) -> Result<Contents, IdentityError> {
        let read = |file: &Path| {
            std::fs::read(file).map_err(|source| IdentityError::Unreadable { file: file.to_owned(), source })
        };
        Ok(Contents { certificate: read(&self.certificate)?, key: Zeroizing::new(read(&self.key)?) })
    }

    pub(super) fn load(&self, contents: &Contents) -> Result<Loaded, IdentityError> {
        let bad_certificate =
            |problem: String| IdentityError::Certificate { file: self.certificate.clone(), problem };
        let bad_key = |problem: String| IdentityError::Key { file: self.key.clone(), problem };

        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&contents.certificate)
            .collect::<Result<_, _>>()
            .map_err(|problem| bad_certificate(format!("not a certificate in PEM: {problem}")))?;
        let leaf = chain
            .first()
            .ok_or_else(|| bad_certificate("it contains no certificate (PEM is expected)".to_owned()))?;
        let (not_after, names) = dates_and_names(leaf).ok_or_else(|| {
            bad_certificate("the first certificate is not a valid X.509 certificate".to_owned())
        })?;
        let fingerprint = Fingerprint::of_der(leaf);

        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|problem| bad_key(format!("not a private key in PEM: {problem}")))?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|problem| {
            bad_key(match problem {
                rustls::Error::InconsistentKeys(_) => {
                    format!("not the key of the certificate in {}", self.certificate.display())
                }
                other => format!("not a usable private key: {other}"),
            })
        })?;
        Ok(Loaded { key: Arc::new(key), fingerprint, not_after, names, digest: contents.digest() })
    }
}

impl Contents {
    /// Distinguishes contents without keeping a copy of the key.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, self.key.as_slice()).hash(&mut hasher);
        hasher.finish()
    }
}

fn dates_and_names(leaf: &[u8]) -> Option<(OffsetDateTime, Vec<String>)> {
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let alternatives = leaf.subject_alternative_name().ok()?;
    let names = alternatives.map_or(&[][..], |names| &names.value.general_names[..]);
    Some((leaf.validity().not_after.to_datetime(), names.iter().filter_map(name).collect()))
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let ip = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            ip.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}
