//! The connector's leaf certificate: generates, parses and validates it.

use protocol::{Certificate, Fingerprint};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::facts::{Pair, Secret};

/// The validity of a generated certificate. It is long, because clusters pin the certificate.
const VALIDITY: Duration = Duration::days(3652);

/// Why a certificate cannot be used for the connector.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LeafError {
    /// It is malformed.
    #[error("the certificate is malformed")]
    Certificate,
    /// The key is malformed.
    #[error("the key is malformed")]
    Key,
    /// The key belongs to another certificate.
    #[error("the key does not match the certificate")]
    Mismatch,
    /// Clusters would refuse it, because it does not name the host that they call (contract 1.1).
    #[error("the certificate does not name {0}")]
    Name(String),
    /// It cannot be generated.
    #[error("cannot generate a certificate for {0}: {1}")]
    Generation(String, String),
}

/// A leaf certificate that the connector can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The certificate and its key.
    pub pair: Pair,
    /// The fingerprint, which clusters pin.
    pub fingerprint: Fingerprint,
    /// The end of its validity, in seconds since 1970.
    pub expires_at: i64,
}

impl Leaf {
    /// Parses a certificate with its chain and its key.
    pub fn parse(pair: Pair) -> Result<Self, LeafError> {
        let first = first_pem(&pair.certificate).ok_or(LeafError::Certificate)?;
        let leaf = Certificate::from_pem(first).map_err(|_| LeafError::Certificate)?;
        let (_, parsed) = X509Certificate::from_der(leaf.der()).map_err(|_| LeafError::Certificate)?;
        let key = KeyPair::from_pem(pair.key.expose()).map_err(|_| LeafError::Key)?;
        if key.subject_public_key_info() != parsed.public_key().raw {
            return Err(LeafError::Mismatch);
        }
        let fingerprint = Fingerprint::of_der(leaf.der());
        let expires_at = parsed.validity().not_after.timestamp();
        Ok(Self { pair, fingerprint, expires_at })
    }

    /// Checks that the certificate names the host, as clusters do when they call it.
    pub fn ensure_names(&self, host: &str) -> Result<(), LeafError> {
        let names = names(&self.pair.certificate).ok_or(LeafError::Certificate)?;
        let is_named = names.iter().any(|name| matches(name, host));
        if is_named { Ok(()) } else { Err(LeafError::Name(host.to_owned())) }
    }

    /// Generates a self-signed certificate for a host.
    pub fn generate(host: &str, now: i64) -> Result<Self, LeafError> {
        let failed =
            |error: &dyn std::fmt::Display| LeafError::Generation(host.to_owned(), error.to_string());
        let now = OffsetDateTime::from_unix_timestamp(now).map_err(|error| failed(&error))?;
        let mut parameters = CertificateParams::new(vec![host.to_owned()]).map_err(|error| failed(&error))?;
        parameters.distinguished_name.push(DnType::CommonName, "Cluster Manager");
        parameters.not_before = now - Duration::HOUR;
        parameters.not_after = now + VALIDITY;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| failed(&error))?;
        let certificate = parameters.self_signed(&key).map_err(|error| failed(&error))?;
        Self::parse(Pair { certificate: certificate.pem(), key: Secret::new(key.serialize_pem()) })
    }
}

fn first_pem(text: &str) -> Option<&str> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let begin = text.find(BEGIN)?;
    let end = begin + text[begin..].find(END)? + END.len();
    Some(&text[begin..end])
}

fn names(pem: &str) -> Option<Vec<String>> {
    let leaf = Certificate::from_pem(first_pem(pem)?).ok()?;
    let (_, parsed) = X509Certificate::from_der(leaf.der()).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    Some(names.value.general_names.iter().filter_map(name).collect())
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::IpAddr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| std::net::IpAddr::from(sixteen).to_string())
}

/// Compares a name with a host as Go does: without case, and with a wildcard for exactly one label.
fn matches(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    let matches_wildcard = || {
        let (rest, (_, parent)) = (name.strip_prefix("*.")?, host.split_once('.')?);
        Some(rest == parent)
    };
    name == host || matches_wildcard().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_leaf_names_its_host_and_is_valid_for_ten_years() {
        let leaf = Leaf::generate("sites.example.com", 1_800_000_000).unwrap();
        assert_eq!(leaf.ensure_names("Sites.example.com"), Ok(()));
        assert_eq!(leaf.ensure_names("other.example.com"), Err(LeafError::Name("other.example.com".into())));
        assert_eq!((leaf.expires_at - 1_800_000_000) / 86_400, 3652);
        assert_eq!(Leaf::generate("10.0.0.1", 0).unwrap().ensure_names("10.0.0.1"), Ok(()));
    }

    #[test]
    fn key_of_another_certificate_is_refused() {
        let (one, other) = (Leaf::generate("a.example", 0).unwrap(), Leaf::generate("a.example", 0).unwrap());
        let mismatched = Pair { certificate: one.pair.certificate.clone(), key: other.pair.key };
        assert_eq!(Leaf::parse(mismatched).unwrap_err(), LeafError::Mismatch);
        let malformed = Pair { certificate: "malformed".into(), key: one.pair.key };
        assert_eq!(Leaf::parse(malformed).unwrap_err(), LeafError::Certificate);
    }

    #[test]
    fn wildcard_matches_exactly_one_label() {
        assert!(matches("*.example.com", "a.example.com"));
        assert!(!matches("*.example.com", "a.b.example.com"));
        assert!(!matches("*.example.com", "example.com"));
    }
}
