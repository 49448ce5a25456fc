//! The connector's certificate itself: made, read, and checked.

use protocol::{Certificate, Fingerprint};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::facts::{Pair, Secret};

/// How long a certificate lasts that we make. Sites pin it, so it must outlast whoever made it.
const LIFETIME: Duration = Duration::days(3652);

/// Why a certificate cannot be the connector's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LeafError {
    /// It is none.
    #[error("the certificate cannot be read")]
    Certificate,
    /// The key is none.
    #[error("the key cannot be read")]
    Key,
    /// They are not a pair.
    #[error("the key is not the certificate's")]
    Mismatch,
    /// Sites would refuse it.
    #[error("the certificate does not name {0}")]
    Name(String),
    /// Making one failed.
    #[error("a certificate for {0} cannot be made: {1}")]
    Making(String, String),
}

/// A leaf that can be shown to sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The certificate and its key.
    pub pair: Pair,
    /// What sites pin.
    pub fingerprint: Fingerprint,
    /// When it ends, in seconds since 1970.
    pub ends: i64,
}

impl Leaf {
    /// Reads a certificate, with its chain behind it, and its key.
    pub fn read(pair: Pair) -> Result<Self, LeafError> {
        let first = first_pem(&pair.certificate).ok_or(LeafError::Certificate)?;
        let leaf = Certificate::from_pem(first).map_err(|_| LeafError::Certificate)?;
        let (_, parsed) = X509Certificate::from_der(leaf.der()).map_err(|_| LeafError::Certificate)?;
        let key = KeyPair::from_pem(pair.key.expose()).map_err(|_| LeafError::Key)?;
        if key.subject_public_key_info() != parsed.public_key().raw {
            return Err(LeafError::Mismatch);
        }
        let fingerprint = Fingerprint::of_der(leaf.der());
        let ends = parsed.validity().not_after.timestamp();
        Ok(Self { pair, fingerprint, ends })
    }

    /// Whether sites that call this host accept it.
    pub fn ensure_names(&self, host: &str) -> Result<(), LeafError> {
        let names = names(&self.pair.certificate).ok_or(LeafError::Certificate)?;
        let named = names.iter().any(|name| matches(name, host));
        if named { Ok(()) } else { Err(LeafError::Name(host.to_owned())) }
    }

    /// Makes a self-signed one for a host.
    pub fn make(host: &str, now: i64) -> Result<Self, LeafError> {
        let failed = |error: &dyn std::fmt::Display| LeafError::Making(host.to_owned(), error.to_string());
        let now = OffsetDateTime::from_unix_timestamp(now).map_err(|error| failed(&error))?;
        let mut parameters = CertificateParams::new(vec![host.to_owned()]).map_err(|error| failed(&error))?;
        parameters.distinguished_name.push(DnType::CommonName, "Cluster Manager");
        parameters.not_before = now - Duration::HOUR;
        parameters.not_after = now + LIFETIME;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| failed(&error))?;
        let certificate = parameters.self_signed(&key).map_err(|error| failed(&error))?;
        Self::read(Pair { certificate: certificate.pem(), key: Secret::new(key.serialize_pem()) })
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

/// As Go compares them: without case, and a star stands for exactly one label.
fn matches(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    let starred = || {
        let (rest, (_, parent)) = (name.strip_prefix("*.")?, host.split_once('.')?);
        Some(rest == parent)
    };
    name == host || starred().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_leaf_names_its_host_and_lasts_ten_years() {
        let leaf = Leaf::make("sites.example.com", 1_800_000_000).unwrap();
        assert_eq!(leaf.ensure_names("Sites.example.com"), Ok(()));
        assert_eq!(leaf.ensure_names("other.example.com"), Err(LeafError::Name("other.example.com".into())));
        assert_eq!((leaf.ends - 1_800_000_000) / 86_400, 3652);
        assert_eq!(Leaf::make("10.0.0.1", 0).unwrap().ensure_names("10.0.0.1"), Ok(()));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (Leaf::make("a.example", 0).unwrap(), Leaf::make("a.example", 0).unwrap());
        let mixed = Pair { certificate: one.pair.certificate.clone(), key: other.pair.key };
        assert_eq!(Leaf::read(mixed).unwrap_err(), LeafError::Mismatch);
        let none = Pair { certificate: "none".into(), key: one.pair.key };
        assert_eq!(Leaf::read(none).unwrap_err(), LeafError::Certificate);
    }

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(matches("*.example.com", "a.example.com"));
        assert!(!matches("*.example.com", "a.b.example.com"));
        assert!(!matches("*.example.com", "example.com"));
    }
}
