//! The join request (contract 1.2).

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::certificate::{Certificate, InvalidCertificate};
use crate::json::is_object;
use crate::name::{ClusterName, InvalidClusterName};

/// The largest body of a join request, in bytes (contract 1.2).
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A well-formed join request. Its proof is not checked yet.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The name to enrol under. The token must have been created for it.
    pub cluster_name: ClusterName,
    /// The certificate that the cluster presents in this and all later calls.
    pub certificate: Certificate,
    /// The whole join token in base64; absent if the proof is in the `Authorization` header.
    pub token: Option<SecretString>,
}

/// Why a body is not a join request. The response is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJoinRequest {
    /// The body is not a JSON object, or a field has the wrong type. The message gives the position and no value, since
    /// a value may be the token.
    #[error("the body is not a join request: {0}")]
    Json(String),
    /// The name is missing or invalid.
    #[error("cluster_name: {0}")]
    Name(#[from] InvalidClusterName),
    /// The certificate is missing or malformed, or there is more than one.
    #[error("cluster_certificate: {0}")]
    Certificate(#[from] InvalidCertificate),
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    cluster_name: Option<String>,
    #[serde(default)]
    cluster_certificate: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    token: Option<SecretString>,
}

impl JoinRequest {
    /// Parses a request body.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidJoinRequest> {
        if !is_object(body) {
            return Err(InvalidJoinRequest::Json("expected a JSON object".to_owned()));
        }
        // serde_json's own message may quote the token if its field has the wrong type.
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

/// Reads a text, and anything else as absent: a token that is none proves nothing (403), and where the proof is in the
/// header nobody needs it.
fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let json = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(json.get()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_the_invalid_field() {
        for (body, error) in [
            ("", "the body is not a join request: expected a JSON object"),
            ("[\"a\"]", "the body is not a join request: expected a JSON object"),
            ("{", "the body is not a join request: line 1, column 1"),
            ("{\"cluster_name\":5}", "the body is not a join request: line 1, column 17"),
            ("{\"token\":5}", "cluster_name: a cluster name cannot be empty"),
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
    fn token_that_is_no_text_is_as_if_absent() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
        for token in ["5", "null", "{\"a\":[1]}", "[\"t\"]", "\"\\ud800\""] {
            let certificate = serde_json::to_string(&certificate).unwrap();
            let body =
                format!(r#"{{"cluster_name":"a","cluster_certificate":{certificate},"token":{token}}}"#);
            assert!(JoinRequest::parse(body.as_bytes()).unwrap().token.is_none(), "{token}");
        }
    }

    #[test]
    fn error_never_contains_the_token() {
        let error = JoinRequest::parse(br#"{"cluster_name":{"token":"c2VjcmV0"}}"#).unwrap_err();
        assert!(!error.to_string().contains("c2VjcmV0"));
    }
}
