//! Any text is either refused as a cluster's certificate or parsed, without a panic. A parsed certificate is the same after
//! being written and parsed again, and its fingerprint and dates depend only on its DER.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use protocol::{Certificate, Fingerprint};

fuzz_target!(|data: &[u8]| {
    if let Some(certificate) =
        std::str::from_utf8(data).ok().and_then(|text| Certificate::from_pem(text).ok())
    {
        check(&certificate);
    }
    // The same bytes as the DER inside: few mutations of base64 are valid again.
    let body = STANDARD.encode(data);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let from_pem = Certificate::from_pem(&pem);
    assert_eq!(from_pem, Certificate::from_der(data.to_vec()));
    if let Ok(certificate) = from_pem {
        check(&certificate);
    }
});

fn check(certificate: &Certificate) {
    let written = certificate.to_pem();
    assert!(written.lines().all(|line| line.len() <= 64));
    assert_eq!(Certificate::from_pem(&written).as_ref(), Ok(certificate));
    assert_eq!(certificate.fingerprint, Fingerprint::of_der(certificate.der()));
    let (from, to) = (certificate.not_before, certificate.not_after);
    assert_eq!(certificate.is_valid_at(from), from <= to);
    assert_eq!(certificate.is_valid_at(to), from <= to);
}
