//! One X.509 certificate in PEM, as in a join request (contract 1.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::fingerprint::Fingerprint;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A well-formed certificate: its DER, fingerprint and validity period.
///
/// Neither its signature nor its issuer is verified: trust comes from the pinned fingerprint (contract 1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// The SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// The start of the validity period, inclusive.
    pub not_before: OffsetDateTime,
    /// The end of the validity period, inclusive.
    pub not_after: OffsetDateTime,
}

/// Why text is not exactly one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// There is no PEM block, or its base64 or its DER cannot be read.
    #[error("the certificate is not an X.509 certificate in PEM")]
    Malformed,
    /// There is more than one PEM block.
    #[error("expected exactly one certificate")]
    MoreThanOne,
}

impl Certificate {
    /// Parses exactly one certificate in PEM. White space may surround it, other text may not.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidCertificate> {
        let body = pem.trim().strip_prefix(BEGIN).ok_or(InvalidCertificate::Malformed)?;
        let (body, rest) = body.split_once(END).ok_or(InvalidCertificate::Malformed)?;
        if rest.contains(BEGIN) {
            return Err(InvalidCertificate::MoreThanOne);
        }
        if !rest.is_empty() {
            return Err(InvalidCertificate::Malformed);
        }
        let base64: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| InvalidCertificate::Malformed)?;
        Self::from_der(der)
    }

    /// Parses one certificate in DER. Trailing bytes are an error.
    pub fn from_der(der: Vec<u8>) -> Result<Self, InvalidCertificate> {
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| InvalidCertificate::Malformed)?;
        if !rest.is_empty() {
            return Err(InvalidCertificate::Malformed);
        }
        let validity = parsed.validity();
        let (not_before, not_after) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
        Ok(Self { fingerprint: Fingerprint::of_der(&der), der, not_before, not_after })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM, in lines of 64 characters and with a line break at the end.
    pub fn to_pem(&self) -> String {
        let base64 = STANDARD.encode(&self.der);
        let mut pem = format!("{BEGIN}\n");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, tail) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = tail;
        }
        pem + END + "\n"
    }

    /// Whether `time` is within the validity period.
    pub fn is_valid_at(&self, time: OffsetDateTime) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn generate_pem() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::default().self_signed(&key).unwrap().pem()
    }

    #[test]
    fn certificate_survives_a_round_trip_through_pem() {
        let pem = generate_pem();
        let certificate = Certificate::from_pem(&format!("\n {pem} \r\n")).unwrap();
        assert_eq!(Certificate::from_pem(&certificate.to_pem()).unwrap(), certificate);
        assert!(certificate.is_valid_at(OffsetDateTime::now_utc()));
        assert!(!certificate.is_valid_at(certificate.not_before - time::Duration::SECOND));
    }

    #[test]
    fn anything_but_one_certificate_is_refused() {
        let pem = generate_pem();
        assert_eq!(Certificate::from_pem(&format!("{pem}{pem}")), Err(InvalidCertificate::MoreThanOne));
        let trailing_text = format!("{pem}trailing");
        for text in
            ["", "x", BEGIN, &format!("{BEGIN}\nAAAA\n{END}"), &format!("{BEGIN}!{END}"), &trailing_text]
        {
            assert_eq!(Certificate::from_pem(text), Err(InvalidCertificate::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(der: Vec<u8>) {
            let _ = Certificate::from_der(der);
        }
    }
}
