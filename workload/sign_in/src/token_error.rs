//! Why the provider gives no tokens: what its answer means, or that there is none.

use http::StatusCode;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{RequestTokenError, StandardErrorResponse};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::provider::http::HttpError;
use crate::provider::{Away, chain};

pub(crate) type ErrorResponse = StandardErrorResponse<CoreErrorResponseType>;

/// Why the provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// It does not answer, or not now.
    #[error(transparent)]
    Away(#[from] Away),
    /// It gave tokens, but we do not have the key to verify them with and could not look for it now.
    #[error("the key of the ID token is not known yet")]
    KeyMissing {
        /// When to look for it again.
        away: Away,
        /// What came with the ID token: the one that was presented may be used up.
        refresh_token: Option<String>,
    },
    /// The code or the refresh token is used up, withdrawn, or not ours; or the person has to come in person.
    #[error("the identity provider does not take the grant: {0}")]
    Grant(String),
    /// It does not take ourselves: for the administrator.
    #[error("the identity provider refuses this server: {0}")]
    Refused(String),
    /// It, or what stands before it, answers with an error of its own or with what is no answer.
    #[error("the identity provider's answer is none: {0}")]
    Unusable(String),
    /// What it sent cannot be believed.
    #[error("the ID token is not valid: {0}")]
    IdToken(String),
}

/// What a call for tokens ended with instead of tokens.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was no connection, so nothing that we would have sent can be why.
    Unconnected(String),
    /// The answer was cut off, or did not come in time.
    Unanswered(String),
    /// It cannot help anybody now.
    Unable(StatusCode),
    /// An answer that makes no sense, such as the page of a proxy.
    Unreadable(String),
    /// It answers, with this.
    Answered(TokenError),
}

impl From<RequestTokenError<HttpError, ErrorResponse>> for Failure {
    fn from(error: RequestTokenError<HttpError, ErrorResponse>) -> Self {
        match error {
            RequestTokenError::ServerResponse(answer) => Self::Answered(meaning(&answer)),
            RequestTokenError::Request(HttpError::Unable(status)) => Self::Unable(status),
            RequestTokenError::Request(HttpError::Request(error)) if error.is_connect() => {
                Self::Unconnected(chain(&error))
            }
            RequestTokenError::Request(HttpError::Request(error)) => Self::Unanswered(chain(&error)),
            RequestTokenError::Request(error) => Self::Unreadable(chain(&error)),
            // Only where it stopped making sense: the rest may quote a token.
            RequestTokenError::Parse(error, body) => unreadable(&error.path().to_string(), &body),
            RequestTokenError::Other(problem) => Self::Unreadable(problem),
        }
    }
}

/// Few errors are about us or the provider. Any other, also one that we do not know, is about who is to be let in: the
/// provider does not do so any more.
fn meaning(answer: &ErrorResponse) -> TokenError {
    let text = answer.to_string();
    match answer.error().as_ref() {
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => TokenError::Refused(text),
        "temporarily_unavailable" | "server_error" => TokenError::Unusable(text),
        _ => TokenError::Grant(text),
    }
}

fn unreadable(at: &str, body: &[u8]) -> Failure {
    /// Tokens, at least one.
    #[derive(Deserialize)]
    struct Tokens {
        #[serde(rename = "access_token")]
        _access_token: IgnoredAny,
    }
    if serde_json::from_slice::<Tokens>(body).is_ok() {
        return Failure::Answered(TokenError::IdToken(format!("the answer cannot be read at {at}")));
    }
    Failure::Unreadable(format!("{} bytes that are no tokens", body.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> TokenError {
        meaning(&serde_json::from_value(serde_json::json!({ "error": code })).unwrap())
    }

    #[test]
    fn few_errors_are_about_us_or_the_provider() {
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
    fn tokens_that_cannot_be_read_are_told_from_what_are_none() {
        let tokens = br#"{"access_token": "x", "id_token": "not one"}"#;
        assert!(matches!(unreadable("id_token", tokens), Failure::Answered(TokenError::IdToken(_))));
        for body in [&b"<html>blocked"[..], b"", br#"{"message": "slow down"}"#, b"[]", b"null"] {
            assert!(matches!(unreadable(".", body), Failure::Unreadable(_)));
        }
    }
}
