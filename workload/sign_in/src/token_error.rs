//! Failures of the token endpoint, and what they mean.

use http::StatusCode;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{RequestTokenError, StandardErrorResponse};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::provider::http::HttpError;
use crate::provider::{Away, chain};

pub(crate) type ErrorResponse = StandardErrorResponse<CoreErrorResponseType>;

/// Why the provider issued no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// It does not respond.
    #[error(transparent)]
    Away(#[from] Away),
    /// It issued tokens, but the key that signed them is unknown and could not be fetched.
    #[error("the key of the ID token has not been fetched yet")]
    KeyMissing {
        /// When to fetch the keys again.
        away: Away,
        /// The refresh token that came with the ID token. The one that was presented may be used up.
        refresh_token: Option<String>,
    },
    /// The code or refresh token is used up, revoked or invalid, or the person has to sign in again.
    #[error("the identity provider does not accept the grant: {0}")]
    Grant(String),
    /// It does not accept the hub as a client. The administrator has to correct the settings.
    #[error("the identity provider does not accept the hub: {0}")]
    Refused(String),
    /// The provider, or a proxy in front of it, returned an error or an invalid response.
    #[error("the identity provider's response cannot be used: {0}")]
    Unusable(String),
    /// The tokens failed verification.
    #[error("the ID token is not valid: {0}")]
    IdToken(String),
}

/// How a call of the token endpoint failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was no connection, so the request cannot be the cause.
    NotConnected(String),
    /// The response was cut off or did not arrive in time.
    NoResponse(String),
    /// The provider cannot serve requests now.
    Unable(StatusCode),
    /// The response is invalid, such as the page of a proxy.
    Unreadable(String),
    /// The provider responded with an error.
    Responded(TokenError),
}

impl From<RequestTokenError<HttpError, ErrorResponse>> for Failure {
    fn from(error: RequestTokenError<HttpError, ErrorResponse>) -> Self {
        match error {
            RequestTokenError::ServerResponse(response) => Self::Responded(meaning(&response)),
            RequestTokenError::Request(HttpError::Unable(status)) => Self::Unable(status),
            RequestTokenError::Request(HttpError::Request(error)) if error.is_connect() => {
                Self::NotConnected(chain(&error))
            }
            RequestTokenError::Request(HttpError::Request(error)) => Self::NoResponse(chain(&error)),
            RequestTokenError::Request(error) => Self::Unreadable(chain(&error)),
            // Only the position of the problem: the text may contain a token.
            RequestTokenError::Parse(error, body) => unreadable(&error.path().to_string(), &body),
            RequestTokenError::Other(problem) => Self::Unreadable(problem),
        }
    }
}

/// Few error codes concern the hub or the provider. All others, including unknown ones, mean that the provider does not
/// let the person in any more.
fn meaning(response: &ErrorResponse) -> TokenError {
    let text = response.to_string();
    match response.error().as_ref() {
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => TokenError::Refused(text),
        "temporarily_unavailable" | "server_error" => TokenError::Unusable(text),
        _ => TokenError::Grant(text),
    }
}

fn unreadable(at: &str, body: &[u8]) -> Failure {
    /// A token response has at least an access token.
    #[derive(Deserialize)]
    struct Tokens {
        #[serde(rename = "access_token")]
        _access_token: IgnoredAny,
    }
    if serde_json::from_slice::<Tokens>(body).is_ok() {
        return Failure::Responded(TokenError::IdToken(format!("the response is invalid at {at}")));
    }
    Failure::Unreadable(format!("{} bytes without tokens", body.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> TokenError {
        meaning(&serde_json::from_value(serde_json::json!({ "error": code })).unwrap())
    }

    #[test]
    fn few_error_codes_concern_hub_or_provider() {
        for code in ["invalid_client", "unauthorized_client", "unsupported_grant_type"] {
            assert!(matches!(error(code), TokenError::Refused(_)), "{code}");
        }
        for code in ["temporarily_unavailable", "server_error"] {
            assert!(matches!(error(code), TokenError::Unusable(_)), "{code}");
        }
        for code in [
            "invalid_grant",
            "access_denied",
            "interaction_required",
            "login_required",
            "consent_required",
            "account_selection_required",
            "invalid_scope",
            "invalid_request",
            "invented",
            "",
        ] {
            assert!(matches!(error(code), TokenError::Grant(_)), "{code}");
        }
    }

    #[test]
    fn unreadable_tokens_differ_from_other_responses() {
        let tokens = br#"{"access_token": "x", "id_token": "not one"}"#;
        assert!(matches!(unreadable("id_token", tokens), Failure::Responded(TokenError::IdToken(_))));
        for body in [&b"<html>blocked"[..], b"", br#"{"message": "slow down"}"#, b"[]", b"null"] {
            assert!(matches!(unreadable(".", body), Failure::Unreadable(_)));
        }
    }
}
