//! What a cluster posts to enrol (contract 1.2).

use secrecy::SecretString;
use serde::Deserialize;

use crate::certificate::InvalidCertificate;
use crate::name::InvalidClusterName;
use crate::{Certificate, ClusterName};

/// The largest body of a join, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A join request whose form is right; what it claims is not yet proven.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The name under which the cluster wants to be known; the token must be made for it.
    pub cluster_name: ClusterName,
    /// The certificate that all later calls will present.
    pub certificate: Certificate,
    /// The whole base64 token, where the proof is not in the header.
    pub token: Option<SecretString>,
}

/// What is wrong with a join request's form: answered with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJoinRequest {
    /// The body is not JSON, or its fields are of other types.
    #[error("the body is not a join request: {0}")]
    Json(String),
    /// The name is missing or cannot be one.
    #[error("cluster_name: {0}")]
    Name(#[from] InvalidClusterName),
    /// The certificate is missing, malformed, or not the only one.
    #[error("cluster_certificate: {0}")]
    Certificate(#[from] InvalidCertificate),
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    cluster_name: Option<String>,
    #[serde(default)]
    cluster_certificate: Option<String>,
    #[serde(default)]
    token: Option<SecretString>,
}

impl JoinRequest {
    /// Reads a request body.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidJoinRequest> {
        if !is_object(body) {
            return Err(InvalidJoinRequest::Json("a JSON object is expected".to_owned()));
        }
        // The error of serde_json names a place and a type; only its category is safe to repeat, since a
        // mistyped field's value may be the token.
        let wire: Wire = serde_json::from_slice(body).map_err(|error| {
            InvalidJoinRequest::Json(format!("line {}, column {}", error.line(), error.column()))
        })?;
        Ok(Self {
            cluster_name: ClusterName::new(wire.cluster_name.unwrap_or_default())?,
            certificate: Certificate::from_pem(&wire.cluster_certificate.unwrap_or_default())?,
            token: wire.token,
        })
    }
}

/// Whether a body can be a JSON object. Without asking, a list would do as well: its entries would be taken for the
/// fields in their order.
pub(crate) fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_field_is_wrong() {
        for (body, error) in [
            ("", "the body is not a join request: a JSON object is expected"),
            ("[\"a\"]", "the body is not a join request: a JSON object is expected"),
            ("{", "the body is not a join request: line 1, column 1"),
            ("{\"token\":5}", "the body is not a join request: line 1, column 10"),
            ("{}", "cluster_name: a cluster name cannot be empty"),
            ("{\"cluster_name\":null}", "cluster_name: a cluster name cannot be empty"),
            (
                "{\"cluster_name\":\"a\"}",
                "cluster_certificate: the certificate is not an X.509 certificate in PEM",
            ),
        ] {
            assert_eq!(JoinRequest::parse(body.as_bytes()).unwrap_err().to_string(), error, "{body}");
        }
    }

    #[test]
    fn never_repeats_the_token_in_an_error() {
        let error = JoinRequest::parse(br#"{"cluster_name":{"token":"c2VjcmV0"}}"#).unwrap_err();
        assert!(!error.to_string().contains("c2VjcmV0"));
    }
}
