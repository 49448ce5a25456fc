//! Failures of the token endpoint, and what they mean.

use http::StatusCode;
use openid_documents::ErrorResponse;

use crate::provider::Away;

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

/// Few error codes concern the hub or the provider. All others, including unknown ones, mean that the provider does not
/// let the person in any more.
pub(crate) fn meaning(response: &ErrorResponse) -> TokenError {
    let ErrorResponse { error, description } = response;
    let text = match description {
        Some(description) => format!("{error}: {description}"),
        None => error.clone(),
    };
    match error.as_str() {
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => TokenError::Refused(text),
        "temporarily_unavailable" | "server_error" => TokenError::Unusable(text),
        _ => TokenError::Grant(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> TokenError {
        meaning(&ErrorResponse { error: code.to_owned(), description: None })
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
}
