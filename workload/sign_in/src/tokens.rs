//! Calls to the provider's token endpoint: a code redeemed, tokens renewed.

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
use crate::jwt::named_key;
use crate::provider::http::{CALL_TIMEOUT, HttpError};
use crate::provider::{Away, Known, Source, chain};
use crate::sign_in::SignIn;
use crate::token_error::{ErrorResponse, Failure, TokenError};

/// Ourselves, as the provider knows us.
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

/// What the provider gave.
pub(crate) struct Granted {
    /// Who, if an ID token came with it; it always does with a code.
    pub(crate) verified: Option<Verified>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    /// In how many seconds the access token expires, where the provider says so.
    pub(crate) expires_in: Option<u64>,
}

/// What is presented for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presented {
    /// A code. A stranger may have made it up, so as to provoke a bad answer.
    Code,
    /// A refresh token. It comes from the provider itself.
    RefreshToken,
}

impl SignIn {
    /// Ourselves, as the provider knows us.
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

    /// Redeems the code that a sign-in ended with.
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
            None => Err(TokenError::IdToken("there is none".to_owned())),
        }
    }

    /// Renews what a refresh token stands for.
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
                let kid = named_key(text);
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

    /// What came; and what that shows of the provider to everybody else.
    fn outcome(
        &self,
        presented: Presented,
        response: Result<TokenResponse, RequestTokenError<HttpError, ErrorResponse>>,
    ) -> Result<TokenResponse, TokenError> {
        let failure = match response {
            Ok(response) => {
                self.provider.answered();
                return Ok(response);
            }
            Err(error) => Failure::from(error),
        };
        let is_away = match &failure {
            Failure::Unconnected(_) => true,
            Failure::Unanswered(_) => presented == Presented::RefreshToken,
            Failure::Unable(status) => presented == Presented::RefreshToken && status.is_server_error(),
            Failure::Unreadable(_) | Failure::Answered(_) => false,
        };
        let away = if is_away { self.provider.failed() } else { Away { retry_after: CALL_TIMEOUT } };
        match failure {
            Failure::Unconnected(problem) | Failure::Unanswered(problem) => {
                tracing::warn!(problem, "the identity provider does not answer");
                Err(away.into())
            }
            Failure::Unable(status) if is_away => {
                tracing::warn!(%status, "the identity provider is not able to answer");
                Err(away.into())
            }
            Failure::Unable(status) => Err(TokenError::Unusable(format!("it answers with status {status}"))),
            Failure::Unreadable(problem) => Err(TokenError::Unusable(problem)),
            Failure::Answered(error) => {
                self.provider.answered();
                Err(error)
            }
        }
    }
}
