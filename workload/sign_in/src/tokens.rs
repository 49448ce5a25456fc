//! Calls of the provider's token endpoint: redeeming codes and renewing tokens.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use http::header::HeaderValue;
use openid_documents::{ErrorResponse, TokenResponse};
use url::form_urlencoded::byte_serialize;

use crate::attempt::Attempt;
use crate::claims::{Expected, Verified, verify};
use crate::jwt::claimed_key_id;
use crate::provider::http::{CALL_TIMEOUT, HttpError};
use crate::provider::{Away, Known, Source, chain};
use crate::sign_in::SignIn;
use crate::token_error::{Failure, TokenError, meaning};

/// The tokens that the provider issued.
pub(crate) struct Granted {
    /// The content of the ID token, if there is one. There always is one for a code.
    pub(crate) verified: Option<Verified>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    /// In how many seconds the access token expires, if the provider states it.
    pub(crate) expires_in: Option<u64>,
}

/// What is exchanged for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presented {
    /// A code. It may be made up by an attacker to provoke errors.
    Code,
    /// A refresh token, which comes from the provider.
    RefreshToken,
}

impl SignIn {
    /// Redeems the code of a sign-in.
    pub(crate) async fn redeem(&self, code: &str, attempt: &Attempt) -> Result<Granted, TokenError> {
        let known = self.provider.known().await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", attempt.callback.as_str()),
            ("code_verifier", attempt.verifier.as_str()),
        ];
        let response = self.call_token_endpoint(&known, &form).await;
        let tokens = self.outcome(Presented::Code, response)?;
        let problem = tokens.id_token.as_ref().err().map(ToString::to_string);
        let granted = self.granted(tokens, Some(&attempt.nonce)).await?;
        match problem {
            None => Ok(granted),
            Some(problem) => Err(TokenError::IdToken(problem)),
        }
    }

    /// Renews tokens with a refresh token.
    pub(crate) async fn renew(&self, refresh_token: &str) -> Result<Granted, TokenError> {
        if let Some(away) = self.provider.away() {
            return Err(away.into());
        }
        let known = self.provider.known().await?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let response = self.call_token_endpoint(&known, &form).await;
        self.granted(self.outcome(Presented::RefreshToken, response)?, None).await
    }

    /// Sends a form with the hub's credentials.
    async fn call_token_endpoint(
        &self,
        known: &Known,
        form: &[(&str, &str)],
    ) -> Result<TokenResponse, Failure> {
        let client_id = self.options.client_id.as_str();
        let secret = self.options.client_secret.as_ref().map(secrecy::ExposeSecret::expose_secret);
        let mut form = form.to_vec();
        let authorization = match secret {
            Some(secret) if !known.metadata.wants_secret_in_body => Some(basic(client_id, secret)?),
            secret => {
                form.push(("client_id", client_id));
                form.extend(secret.map(|secret| ("client_secret", secret)));
                None
            }
        };
        let http = self.provider.http();
        let response = http.post_form(&known.metadata.token_endpoint, &form, authorization).await;
        let (status, body) = response.map_err(Failure::from)?;
        read(status, &body)
    }

    async fn granted(&self, response: TokenResponse, nonce: Option<&str>) -> Result<Granted, TokenError> {
        let TokenResponse { access_token, id_token, refresh_token, expires_in } = response;
        let (access_token, id_token) = (access_token.ok(), id_token.ok());
        let verified = match &id_token {
            Some(token) => {
                let kid = claimed_key_id(token);
                let missing = |away| TokenError::KeyMissing { away, refresh_token: refresh_token.clone() };
                let keys = self.provider.keys_for(kid.as_deref(), Source::Provider).await.map_err(missing)?;
                let expected = Expected {
                    issuer: self.provider.issuer().as_str(),
                    client_id: &self.options.client_id,
                    groups_claim: &self.options.groups_claim,
                    nonce,
                    access_token: access_token.as_deref(),
                };
                let verified = verify(token, &keys.known.keys, &expected);
                Some(verified.map_err(|problem| match keys.missing {
                    Some(away) => missing(away),
                    None => TokenError::IdToken(problem),
                })?)
            }
            None => None,
        };
        Ok(Granted { verified, id_token, refresh_token, expires_in })
    }

    /// The tokens, or why there are none. Notes whether the provider responds.
    fn outcome(
        &self,
        presented: Presented,
        response: Result<TokenResponse, Failure>,
    ) -> Result<TokenResponse, TokenError> {
        let failure = match response {
            Ok(response) => {
                self.provider.succeeded();
                return Ok(response);
            }
            Err(failure) => failure,
        };
        let is_away = match &failure {
            Failure::NotConnected(_) => true,
            Failure::NoResponse(_) => presented == Presented::RefreshToken,
            Failure::Unable(status) => presented == Presented::RefreshToken && status.is_server_error(),
            Failure::Unreadable(_) | Failure::Responded(_) => false,
        };
        let away = if is_away { self.provider.failed() } else { Away { retry_after: CALL_TIMEOUT } };
        match failure {
            Failure::NotConnected(problem) | Failure::NoResponse(problem) => {
                tracing::warn!(problem, "the identity provider does not respond");
                Err(away.into())
            }
            Failure::Unable(status) if is_away => {
                tracing::warn!(%status, "the identity provider cannot serve requests");
                Err(away.into())
            }
            Failure::Unable(status) => Err(TokenError::Unusable(format!("unexpected status {status}"))),
            Failure::Unreadable(problem) => Err(TokenError::Unusable(problem)),
            Failure::Responded(error) => {
                self.provider.succeeded();
                Err(error)
            }
        }
    }
}

/// The credentials of a client (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, Failure> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret)));
    let value = HeaderValue::try_from(format!("Basic {credentials}"));
    let mut value = value.map_err(|error| Failure::Unreadable(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The tokens of a response, or its error.
fn read(status: StatusCode, body: &[u8]) -> Result<TokenResponse, Failure> {
    if status.is_success() {
        match TokenResponse::read(body) {
            Ok(tokens) => return Ok(tokens),
            Err(problem) => match ErrorResponse::read(body) {
                Some(error) => return Err(Failure::Responded(meaning(&error))),
                None => return Err(Failure::Unreadable(problem.to_string())),
            },
        }
    }
    match ErrorResponse::read(body) {
        Some(error) => Err(Failure::Responded(meaning(&error))),
        None => {
            Err(Failure::Unreadable(format!("status {status}, {} bytes without an error code", body.len())))
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unable(status) => Self::Unable(status),
            HttpError::Request(error) if error.is_connect() => Self::NotConnected(chain(&error)),
            HttpError::Request(error) => Self::NoResponse(chain(&error)),
            error @ (HttpError::Insecure | HttpError::TooLong) => Self::Unreadable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_the_client_are_encoded_first() {
        let value = basic("a b", "s%:+/&").unwrap();
        assert_eq!(value, format!("Basic {}", BASE64_STANDARD.encode("a+b:s%25%3A%2B%2F%26")).as_str());
    }

    #[test]
    fn response_without_tokens_is_no_grant() {
        let read = |status: u16, body: &str| read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert!(read(200, r#"{"access_token": "x", "id_token": "not one"}"#).is_ok());
        for body in ["<html>blocked", "", r#"{"message": "slow down"}"#, "[]", "null"] {
            for status in [200, 400, 403, 302] {
                assert!(matches!(read(status, body), Err(Failure::Unreadable(_))), "{status} {body}");
            }
        }
        for status in [200, 400, 401] {
            let error = read(status, r#"{"error": "invalid_grant"}"#);
            assert!(matches!(error, Err(Failure::Responded(TokenError::Grant(_)))), "{status}");
        }
    }
}
