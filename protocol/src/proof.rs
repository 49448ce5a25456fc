//! The HMAC proof of a join request (contract 1.2): `Authorization: ClusterManager-1.0 <hex>`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The authorization scheme of the header.
pub const SCHEME: &str = "ClusterManager-1.0";

/// An HMAC-SHA256 from a header, not yet verified.
#[derive(Debug, Clone)]
pub struct Proof([u8; 32]);

/// The header is not [`SCHEME`], a space and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is not `ClusterManager-1.0` followed by 64 hexadecimal digits")]
pub struct InvalidProof;

impl Proof {
    /// Parses the value of the `Authorization` header.
    pub fn parse(header: &str) -> Result<Self, InvalidProof> {
        let (scheme, digits) = header.trim().split_once(' ').ok_or(InvalidProof)?;
        if scheme != SCHEME {
            return Err(InvalidProof);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits.trim_start(), &mut bytes).map_err(|_| InvalidProof)?;
        Ok(Self(bytes))
    }

    /// Whether this is the HMAC of exactly these body bytes under `key`, compared in constant time.
    pub fn verifies(&self, key: &[u8], body: &[u8]) -> bool {
        mac(key, body).verify_slice(&self.0).is_ok()
    }
}

/// Returns the header's value for a body: its HMAC under `key`, which is the token's secret.
pub fn sign(key: &[u8], body: &[u8]) -> String {
    sign_with_scheme(SCHEME, key, body)
}

fn sign_with_scheme(scheme: &str, key: &[u8], body: &[u8]) -> String {
    format!("{scheme} {}", hex::encode(mac(key, body).finalize().into_bytes()))
}

#[expect(clippy::expect_used, reason = "HMAC accepts keys of any length (RFC 2104)")]
fn mac(key: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documented_test_vector() {
        assert_eq!(
            sign_with_scheme("LXD1.0", b"foo", br#"{"hello":"world"}"#),
            "LXD1.0 4022ad4878aff5a3bbd815aec63cce26cb5e8abd4df69589312cd0dee25fd717"
        );
    }

    #[test]
    fn other_schemes_and_malformed_digits_are_refused() {
        let digits = "4022ad4878aff5a3bbd815aec63cce26cb5e8abd4df69589312cd0dee25fd717";
        assert!(Proof::parse(&format!("ClusterManager-1.0 {digits}")).is_ok());
        for header in [
            "",
            "ClusterManager-1.0",
            "ClusterManager-1.0 ",
            "ClusterManager-1.0 4022",
            &format!("LXD1.0 {digits}"),
        ] {
            assert!(Proof::parse(header).is_err(), "{header}");
        }
    }

    proptest! {
        #[test]
        fn only_the_signed_body_verifies(key: Vec<u8>, body: Vec<u8>, other: Vec<u8>) {
            let proof = Proof::parse(&sign(&key, &body)).unwrap();
            prop_assert!(proof.verifies(&key, &body));
            prop_assert_eq!(proof.verifies(&key, &other), body == other);
        }

        #[test]
        fn arbitrary_header_never_panics(header in ".{0,100}") {
            let _ = Proof::parse(&header);
        }
    }
}
