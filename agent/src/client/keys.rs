//! A cluster's self-signed certificate with its private key, and the client certificate of a connection.

use std::fmt;
use std::sync::Arc;

use protocol::Fingerprint;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, RsaKeySize, SignatureAlgorithm};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use time::{Duration, OffsetDateTime};

use super::error::ClientError;

/// The validity of a new certificate. It is never renewed, because the hub identifies the cluster by it.
const VALIDITY: Duration = Duration::days(10 * 365);

/// A self-signed certificate and its private key.
pub struct Keys {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    signer: Arc<dyn SigningKey>,
}

/// The kinds of keys that clusters use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA P-384, MicroCloud's default.
    #[default]
    P384,
    /// ECDSA P-256.
    P256,
    /// Ed25519.
    Ed25519,
    /// RSA, 2048 bits.
    Rsa2048,
}

/// The client certificate of a connection.
#[derive(Clone, Default)]
pub enum Identity {
    /// No client certificate.
    #[default]
    None,
    /// A chain and the key that signs the handshake, which need not match the chain.
    Chain(Arc<CertifiedKey>),
}

// === impl Keys ===

impl Keys {
    /// Generates a P-384 key with a certificate that is valid from yesterday and for ten years from now.
    pub fn generate(common_name: &str) -> Result<Self, ClientError> {
        let now = OffsetDateTime::now_utc();
        Self::generate_with(common_name, KeyKind::P384, now - Duration::DAY, now + VALIDITY)
    }

    /// Generates a key of any kind with a certificate of any validity period.
    pub fn generate_with(
        common_name: &str,
        kind: KeyKind,
        not_before: OffsetDateTime,
        not_after: OffsetDateTime,
    ) -> Result<Self, ClientError> {
        let key = kind.generate().map_err(|error| ClientError::Keys(error.to_string()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = not_before;
        params.not_after = not_after;
        let certificate = params.self_signed(&key).map_err(|error| ClientError::Keys(error.to_string()))?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| ClientError::Keys(error.to_owned()))?;
        Self::new(certificate.der().clone(), key)
    }

    /// Parses a certificate and a private key in PEM.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, ClientError> {
        let unreadable = |error: rustls::pki_types::pem::Error| ClientError::Keys(error.to_string());
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(unreadable)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(unreadable)?;
        Self::new(certificate, key)
    }

    fn new(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Result<Self, ClientError> {
        let signer = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|error| ClientError::Keys(error.to_string()))?;
        Ok(Self { certificate, key, signer })
    }

    /// The certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate in PEM, as in a join request.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The private key in PEM. It is secret.
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.secret_der())
    }

    /// The fingerprint of the certificate, by which the hub identifies the cluster.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_der(&self.certificate)
    }

    /// The usual identity: exactly this certificate (contract 1.1).
    pub fn identity(&self) -> Identity {
        self.sign_for(vec![self.certificate.clone()])
    }

    /// An identity with another chain, signed with this key.
    pub fn sign_for(&self, chain: Vec<CertificateDer<'static>>) -> Identity {
        Identity::Chain(Arc::new(CertifiedKey::new(chain, Arc::clone(&self.signer))))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("Identity::None"),
            Self::Chain(chain) => write!(f, "Identity::Chain({} certificates)", chain.cert.len()),
        }
    }
}

// === impl KeyKind ===

impl KeyKind {
    fn generate(self) -> Result<KeyPair, rcgen::Error> {
        let algorithm: &'static SignatureAlgorithm = match self {
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa2048 => return KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
        };
        KeyPair::generate_for(algorithm)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text + "-----END " + label + "-----\n"
}
