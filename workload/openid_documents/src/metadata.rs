//! The discovery document (OpenID Connect Discovery, section 3).

use url::Url;

use crate::address::is_safe;
use crate::document::{Document, Unreadable};

const KIND: &str = "discovery document";

/// The endpoints that a hub needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where people sign in.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// Where people sign out; `None` if the provider has no such page, or its address cannot be used.
    pub end_session_endpoint: Option<Url>,
    /// Whether the provider accepts the client secret only in the body.
    pub wants_secret_in_body: bool,
}

/// The endpoints that a program needs to sign a person in with a code (RFC 8628).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceMetadata {
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where a sign-in begins; `None` if the provider has no such endpoint, or its address cannot be used.
    pub device_authorization_endpoint: Option<Url>,
}

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// A needed field cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It belongs to another issuer.
    #[error("{KIND}: \"issuer\" is {found:?}, and must be {wanted:?}")]
    OtherIssuer {
        /// The issuer in the metadata.
        found: String,
        /// The configured issuer.
        wanted: String,
    },
    /// An address is not one.
    #[error("{KIND}: \"{0}\" is not a URL")]
    NoUrl(&'static str),
    /// Others could read what is sent there.
    #[error("{KIND}: \"{0}\" is neither https nor on loopback")]
    Unsafe(&'static str),
}

impl Metadata {
    /// Reads the metadata of this issuer.
    pub fn read(issuer: &str, body: &[u8]) -> Result<Self, InvalidMetadata> {
        let document = read(issuer, body)?;
        let methods = document.texts("token_endpoint_auth_methods_supported");
        let accepts = |method: &str| methods.iter().any(|accepted| accepted == method);
        Ok(Self {
            authorization_endpoint: address(&document, "authorization_endpoint")?,
            token_endpoint: address(&document, "token_endpoint")?,
            jwks_uri: address(&document, "jwks_uri")?,
            // A provider without a usable one is a provider without one.
            end_session_endpoint: address(&document, "end_session_endpoint").ok(),
            wants_secret_in_body: accepts("client_secret_post") && !accepts("client_secret_basic"),
        })
    }
}

impl DeviceMetadata {
    /// Reads the metadata of this issuer.
    pub fn read(issuer: &str, body: &[u8]) -> Result<Self, InvalidMetadata> {
        let document = read(issuer, body)?;
        Ok(Self {
            token_endpoint: address(&document, "token_endpoint")?,
            device_authorization_endpoint: address(&document, "device_authorization_endpoint").ok(),
        })
    }
}

/// Where the discovery document of an issuer is.
pub fn address_of(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

fn read(issuer: &str, body: &[u8]) -> Result<Document, InvalidMetadata> {
    let document = Document::read(KIND, body)?;
    let found = document.required_text("issuer")?;
    if found == issuer {
        return Ok(document);
    }
    Err(InvalidMetadata::OtherIssuer { found, wanted: issuer.to_owned() })
}

fn address(document: &Document, field: &'static str) -> Result<Url, InvalidMetadata> {
    let url = Url::parse(&document.required_text(field)?).map_err(|_| InvalidMetadata::NoUrl(field))?;
    if is_safe(&url) { Ok(url) } else { Err(InvalidMetadata::Unsafe(field)) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(changed: &Value) -> Result<Metadata, String> {
        let mut document = json!({
            "issuer": "https://idp", "authorization_endpoint": "https://idp/authorize",
            "token_endpoint": "https://idp/token", "jwks_uri": "https://idp/keys",
        });
        for (name, value) in changed.as_object().unwrap() {
            document[name] = value.clone();
        }
        Metadata::read("https://idp", document.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_needed_endpoint_is_https_or_on_loopback() {
        assert!(read(&json!({})).is_ok());
        assert!(read(&json!({"token_endpoint": "http://127.0.0.1:8085/token"})).is_ok());
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for (value, problem) in [
                (json!("http://idp/x"), "is neither https nor on loopback"),
                (json!("javascript:alert(1)"), "is neither https nor on loopback"),
                (json!("/x"), "is not a URL"),
                (json!(""), "is missing"),
                (Value::Null, "is missing"),
                (json!(["https://idp/x"]), "must be a text, and is a list"),
            ] {
                assert_eq!(
                    read(&json!({ name: value })),
                    Err(format!("discovery document: \"{name}\" {problem}"))
                );
            }
        }
        assert_eq!(
            read(&json!({"issuer": "https://idp/"})),
            Err("discovery document: \"issuer\" is \"https://idp/\", and must be \"https://idp\"".to_owned())
        );
    }

    #[test]
    fn unusable_sign_out_page_counts_as_none() {
        let there = read(&json!({"end_session_endpoint": "https://elsewhere/end"})).unwrap();
        assert_eq!(there.end_session_endpoint.unwrap().as_str(), "https://elsewhere/end");
        for value in [
            json!(""),
            Value::Null,
            json!(1),
            json!("end"),
            json!("http://idp/end"),
            json!("javascript:alert(1)"),
        ] {
            assert_eq!(read(&json!({"end_session_endpoint": value})).unwrap().end_session_endpoint, None);
        }
    }

    #[test]
    fn secret_goes_into_the_body_only_where_nothing_else_is_accepted() {
        let methods = |value| read(&json!({"token_endpoint_auth_methods_supported": value})).unwrap();
        assert!(methods(json!(["client_secret_post"])).wants_secret_in_body);
        for value in [json!(["client_secret_post", "client_secret_basic"]), json!([]), Value::Null, json!(1)]
        {
            assert!(!methods(value.clone()).wants_secret_in_body, "{value}");
        }
    }

    #[test]
    fn program_needs_only_the_token_endpoint() {
        let read = |document: Value| DeviceMetadata::read("https://idp", document.to_string().as_bytes());
        let token = "https://idp/token";
        let least = read(json!({"issuer": "https://idp", "token_endpoint": token, "jwks_uri": 1})).unwrap();
        assert_eq!(least.device_authorization_endpoint, None);
        let odd =
            json!({"issuer": "https://idp", "token_endpoint": token, "device_authorization_endpoint": ""});
        assert_eq!(read(odd).unwrap().device_authorization_endpoint, None);
        assert!(read(json!({"issuer": "https://idp"})).is_err());
    }

    #[test]
    fn discovery_document_is_below_the_issuer() {
        for issuer in ["https://idp/realm", "https://idp/realm/"] {
            assert_eq!(address_of(issuer), "https://idp/realm/.well-known/openid-configuration");
        }
    }
}
