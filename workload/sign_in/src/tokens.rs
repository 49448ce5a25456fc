//! Calls of the provider's token endpoint: redeeming codes and renewing tokens.

use std::borrow::Cow;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
};
use secrecy::ExposeSecret as _;

use crate::attempt::Attempt;
use crate::claims::{Expected, OtherClaims, TokenResponse, Verified, verify};
use crate::jwt::claimed_key_id;
use crate::provider::http::{CALL_TIMEOUT, HttpError};
use crate::provider::{Away, Known, Source, chain};
use crate::sign_in::SignIn;
use crate::token_error::{ErrorResponse, Failure, TokenError};

/// The hub as a client of the provider.
pub(crate) type Client = openidconnect::Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    ErrorResponse,
    TokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

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
    /// The hub as a client of the provider.
    pub(crate) fn client(&self, known: &Known) -> Client {
        let secret = self.options.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let id = ClientId::new(self.options.client_id.clone());
        let client = Client::from_provider_metadata(known.metadata.clone(), id, secret);
        match known.wants_secret_in_body() {
            true => client.set_auth_type(AuthType::RequestBody),
            false => client,
        }
    }

    /// Redeems the code of a sign-in.
    pub(crate) async fn redeem(&self, code: String, attempt: &Attempt) -> Result<Granted, TokenError> {
        let known = self.provider.known().await?;
        let client = self.client(&known);
        let callback =
            RedirectUrl::new(attempt.callback.clone()).map_err(|error| TokenError::Refused(chain(&error)))?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| TokenError::Refused(chain(&error)))?
            .set_redirect_uri(Cow::Owned(callback))
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()));
        let response = request.request_async(self.provider.http()).await;
        let granted = self.granted(self.outcome(Presented::Code, response)?, Some(&attempt.nonce)).await?;
        match granted.verified {
            Some(_) => Ok(granted),
            None => Err(TokenError::IdToken("it is missing".to_owned())),
        }
    }

    /// Renews tokens with a refresh token.
    pub(crate) async fn renew(&self, refresh_token: &str) -> Result<Granted, TokenError> {
        if let Some(away) = self.provider.away() {
            return Err(away.into());
        }
        let known = self.provider.known().await?;
        let client = self.client(&known);
        let token = RefreshToken::new(refresh_token.to_owned());
        let request =
            client.exchange_refresh_token(&token).map_err(|error| TokenError::Refused(chain(&error)))?;
        let response = request.request_async(self.provider.http()).await;
        self.granted(self.outcome(Presented::RefreshToken, response)?, None).await
    }

    async fn granted(&self, response: TokenResponse, nonce: Option<&str>) -> Result<Granted, TokenError> {
        let id_token = response.extra_fields().id_token();
        let text = id_token.map(ToString::to_string);
        let refresh_token = response.refresh_token().map(|token| token.secret().clone());
        let verified = match (id_token, &text) {
            (Some(token), Some(text)) => {
                let kid = claimed_key_id(text);
                let missing = |away| TokenError::KeyMissing { away, refresh_token: refresh_token.clone() };
                let keys = self.provider.keys_for(kid.as_deref(), Source::Provider).await.map_err(missing)?;
                let expected = Expected {
                    issuer: self.provider.issuer(),
                    client_id: &self.options.client_id,
                    groups_claim: &self.options.groups_claim,
                    nonce,
                    access_token: response.access_token(),
                };
                let verified = verify(token, &keys.known.keys, &expected);
                Some(verified.map_err(|problem| match keys.missing {
                    Some(away) => missing(away),
                    None => TokenError::IdToken(problem),
                })?)
            }
            _ => None,
        };
        let expires_in = response.expires_in().map(|time| time.as_secs());
        Ok(Granted { verified, id_token: text, refresh_token, expires_in })
    }

    /// The tokens, or why there are none. Notes whether the provider responds.
    fn outcome(
        &self,
        presented: Presented,
        response: Result<TokenResponse, RequestTokenError<HttpError, ErrorResponse>>,
    ) -> Result<TokenResponse, TokenError> {
        let failure = match response {
            Ok(response) => {
                self.provider.succeeded();
                return Ok(response);
            }
            Err(error) => Failure::from(error),
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
