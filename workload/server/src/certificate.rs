//! Self-issued certificates for local runs.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use time::{Duration, OffsetDateTime};

use crate::failure::Failure;

/// Makes `tls.crt` and `tls.key` in the folder unless they are there. The certificate names this machine and lasts ten
/// years: sites pin it, so it must not change by itself.
pub fn ensure(folder: &Path, extra: IpAddr) -> Result<(), Failure> {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    match (certificate.exists(), key.exists()) {
        (true, true) => return Ok(()),
        (false, false) => {}
        // Sites may pin the half that is left.
        _ => {
            let folder = folder.display();
            return Err(Failure::Other(format!(
                "{folder}: one of tls.crt and tls.key is missing: restore it, or remove both"
            )));
        }
    }
    let at = |error: io::Error| Failure::Other(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(at)?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !extra.is_unspecified() && !extra.is_loopback() {
        names.push(extra.to_string());
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    names.extend(Some(host.trim().to_owned()).filter(|host| !host.is_empty() && host != "localhost"));
    let mut parameters = CertificateParams::new(names).map_err(Failure::other)?;
    parameters.distinguished_name.push(DnType::CommonName, "Cluster Manager");
    parameters.not_before = OffsetDateTime::now_utc() - Duration::HOUR;
    parameters.not_after = OffsetDateTime::now_utc() + Duration::days(3652);
    let key_pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failure::other)?;
    let self_signed = parameters.self_signed(&key_pair).map_err(Failure::other)?;
    write_private(&key, &key_pair.serialize_pem()).map_err(at)?;
    write_private(&certificate, &self_signed.pem()).map_err(at)
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
