//! Calls to the provider's token endpoint: a code redeemed, tokens renewed.

use std::borrow::Cow;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    StandardErrorResponse,
};
use secrecy::ExposeSecret as _;
use serde::de::IgnoredAny;

use super::SignIn;
use super::attempt::Attempt;
use super::claims::{Expected, OtherClaims, TokenResponse, Verified, verify};
use super::http::HttpError;
use super::jwt::named_key;
use super::provider::{Away, Known, chain};

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
type ErrorResponse = StandardErrorResponse<CoreErrorResponseType>;

/// What the provider gave.
pub(crate) struct Granted {
    /// Who, if an ID token came with it; it always does with a code.
    pub(crate) verified: Option<Verified>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    /// In how many seconds the access token expires, where the provider says so.
    pub(crate) expires_in: Option<u64>,
}

/// Why the provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// It does not answer, or not now.
    #[error(transparent)]
    Away(#[from] Away),
    /// The code or the refresh token is used up, withdrawn, or not ours.
    #[error("the identity provider does not take the grant: {0}")]
    Grant(String),
    /// It does not take ourselves, or answers what makes no sense: for the administrator.
    #[error("the identity provider refuses this server: {0}")]
    Refused(String),
    /// What it sent cannot be believed.
    #[error("the ID token is not valid: {0}")]
    IdToken(String),
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
        let granted = self.granted(self.answer(response)?, Some(&attempt.nonce)).await?;
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
        self.granted(self.answer(response)?, None).await
    }

    async fn granted(&self, response: TokenResponse, nonce: Option<&str>) -> Result<Granted, TokenError> {
        let id_token = response.extra_fields().id_token();
        let text = id_token.map(ToString::to_string);
        let verified = match (id_token, &text) {
            (Some(token), Some(text)) => {
                let known = self.provider.keys_for(named_key(text).as_deref()).await?;
                let expected = Expected {
                    issuer: self.provider.issuer(),
                    client_id: &self.options.client_id,
                    groups_claim: &self.options.groups_claim,
                    nonce,
                    access_token: response.access_token(),
                };
                Some(verify(token, &known.keys, &expected).map_err(TokenError::IdToken)?)
            }
            _ => None,
        };
        let refresh_token = response.refresh_token().map(|token| token.secret().clone());
        let expires_in = response.expires_in().map(|time| time.as_secs());
        Ok(Granted { verified, id_token: text, refresh_token, expires_in })
    }

    fn answer(
        &self,
        response: Result<TokenResponse, RequestTokenError<HttpError, ErrorResponse>>,
    ) -> Result<TokenResponse, TokenError> {
        match response {
            Ok(response) => {
                self.provider.answered();
                Ok(response)
            }
            Err(RequestTokenError::ServerResponse(answer)) => {
                self.provider.answered();
                match answer.error() {
                    CoreErrorResponseType::InvalidGrant => Err(TokenError::Grant(answer.to_string())),
                    _ => Err(TokenError::Refused(answer.to_string())),
                }
            }
            Err(RequestTokenError::Request(error)) => {
                tracing::warn!(problem = chain(&error), "the identity provider does not answer");
                Err(self.provider.failed().into())
            }
            Err(RequestTokenError::Parse(error, body)) => {
                // Only where it stopped making sense: the rest may quote a token.
                let at = error.path().to_string();
                if serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
                    self.provider.answered();
                    return Err(TokenError::IdToken(format!("the answer cannot be read at {at}")));
                }
                // An error page of the provider, or of a proxy before it.
                tracing::warn!(bytes = body.len(), "the identity provider does not answer with JSON");
                Err(self.provider.failed().into())
            }
            Err(RequestTokenError::Other(problem)) => {
                tracing::warn!(problem, "the identity provider's answer makes no sense");
                Err(self.provider.failed().into())
            }
        }
    }
}
