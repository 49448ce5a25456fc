//! Self-signed certificates for local runs.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use cli::{Failure, private_file};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use time::{Duration, OffsetDateTime};

/// Ten years: clusters pin the certificate, so it must not need a renewal.
const LIFETIME: Duration = Duration::days(3652);

/// Creates `tls.crt` and `tls.key` in the folder unless they exist. The certificate is for this machine's names and the
/// address `extra`.
pub fn ensure(folder: &Path, extra: IpAddr) -> Result<(), Failure> {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    match (certificate.exists(), key.exists()) {
        (true, true) => return Ok(()),
        (false, false) => {}
        // Clusters may pin the certificate that is left, or that belongs to the key that is left.
        _ => {
            let folder = folder.display();
            return Err(Failure::Other(format!(
                "{folder}: one of tls.crt and tls.key is missing: restore it, or remove both to create new ones"
            )));
        }
    }
    let failed = |error: io::Error| {
        Failure::Other(format!("cannot write a certificate to {}: {error}", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut parameters = CertificateParams::new(names(extra)).map_err(Failure::other)?;
    parameters.distinguished_name.push(DnType::CommonName, "Cluster Manager");
    parameters.not_before = OffsetDateTime::now_utc() - Duration::HOUR;
    parameters.not_after = OffsetDateTime::now_utc() + LIFETIME;
    let key_pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failure::other)?;
    let self_signed = parameters.self_signed(&key_pair).map_err(Failure::other)?;
    private_file::write(&key, &key_pair.serialize_pem()).map_err(failed)?;
    private_file::write(&certificate, &self_signed.pem()).map_err(failed)
}

fn names(extra: IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !extra.is_unspecified() && !extra.is_loopback() {
        names.push(extra.to_string());
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    names.extend(Some(host.trim().to_owned()).filter(|host| !host.is_empty() && host != "localhost"));
    names
}
