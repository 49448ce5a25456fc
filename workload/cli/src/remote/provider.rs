//! The parts of an identity provider that a command line needs: the device authorization grant (RFC 8628), and new
//! access tokens when old ones expire.

use std::time::Instant;

use openid_documents::address::is_safe;
use openid_documents::metadata::{DeviceMetadata, address_of};
use openid_documents::{DeviceAuthorization, ErrorResponse, TokenResponse, Unreadable};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use time::OffsetDateTime;

use super::address::is_loopback;
use super::client::{REQUEST_TIMEOUT, reason};
use super::device_polling::{PollError, Polling, SignInError};
use super::trust::provider_config;
use super::{SignIn, Trust};
use crate::Failure;

/// How people sign in to a hub, from `/1.0/sign-in`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SignInOptions {
    /// The issuer of the provider.
    pub(crate) issuer: String,
    /// The client id of this program at the provider.
    pub(crate) client_id: String,
    /// The audience that access tokens must have. Absent: the hub accepts none.
    pub(crate) audience: Option<String>,
    /// The scopes to request.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

/// A provider whose endpoints were discovered.
pub(crate) struct Provider {
    http: reqwest::Client,
    issuer: String,
    token_endpoint: Url,
    device_endpoint: Option<Url>,
}

/// A code that somebody must confirm in a browser.
pub(crate) struct DeviceCode {
    secret: SecretString,
    /// The code to type.
    pub(crate) user_code: String,
    /// The page to type it on.
    pub(crate) verification_uri: String,
    /// The same page with the code filled in.
    pub(crate) verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

impl Provider {
    /// Discovers the endpoints of a provider.
    pub(crate) async fn discover(issuer: &str, trust: &Trust) -> Result<Self, Failure> {
        let url = endpoint(&address_of(issuer))?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(provider_config(trust)?)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_TIMEOUT);
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(Failure::other)?;
        let unavailable =
            |problem: String| Failure::Unavailable(format!("the identity provider {issuer}: {problem}"));
        let response = http.get(url).send().await.map_err(|error| unavailable(reason(&error)))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| unavailable(reason(&error)))?;
        if !status.is_success() {
            return Err(unavailable(format!("discovery failed with {status}")));
        }
        let metadata = DeviceMetadata::read(issuer, &body).map_err(|error| unavailable(error.to_string()))?;
        Ok(Self {
            http,
            issuer: issuer.to_owned(),
            token_endpoint: metadata.token_endpoint,
            device_endpoint: metadata.device_authorization_endpoint,
        })
    }

    /// Whether people can sign in by confirming a code in a browser.
    pub(crate) fn supports_device_sign_in(&self) -> bool {
        self.device_endpoint.is_some()
    }

    /// Starts a sign-in. Returns the code to confirm.
    pub(crate) async fn start_sign_in(&self, options: &SignInOptions) -> Result<DeviceCode, Failure> {
        let endpoint = self.device_endpoint.clone().ok_or_else(|| {
            Failure::Other("the identity provider does not support the device authorization grant".to_owned())
        })?;
        let scope = options.scopes.join(" ");
        let mut form = vec![("client_id", options.client_id.as_str()), ("scope", &scope)];
        if let Some(audience) = &options.audience {
            form.push(("audience", audience));
        }
        let sent = async { read(&self.post(endpoint, &form).await?, DeviceAuthorization::read) };
        let code = sent.await.map_err(|error| self.failure(error))?;
        Ok(DeviceCode {
            secret: code.device_code.into(),
            user_code: code.user_code,
            verification_uri: code.verification_uri,
            verification_uri_complete: code.verification_uri_complete,
            expires_in: code.expires_in,
            interval: code.interval,
        })
    }

    /// Waits until the code is confirmed.
    pub(crate) async fn wait_for_sign_in(
        &self,
        options: &SignInOptions,
        code: &DeviceCode,
    ) -> Result<SignIn, Failure> {
        let mut polling = Polling::new(code.interval, code.expires_in);
        let began = Instant::now();
        let mut wait = polling.first();
        loop {
            tokio::time::sleep(wait).await;
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", code.secret.expose_secret()),
                ("client_id", &options.client_id),
            ];
            match self.tokens(&form).await {
                Ok(tokens) => return Ok(self.sign_in(&options.client_id, tokens, None)),
                Err(error) => {
                    wait = polling.next(error, began.elapsed()).map_err(Failure::other)?;
                }
            }
        }
    }

    /// Gets a new access token. If the provider returns a new refresh token too, the old one no longer works.
    pub(crate) async fn refresh(
        &self,
        client_id: &str,
        refresh_token: SecretString,
    ) -> Result<SignIn, Failure> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
            ("client_id", client_id),
        ];
        let tokens = self.tokens(&form).await.map_err(|error| self.failure(error))?;
        Ok(self.sign_in(client_id, tokens, Some(refresh_token)))
    }

    async fn tokens(&self, form: &[(&str, &str)]) -> Result<Tokens, PollError> {
        let body = self.post(self.token_endpoint.clone(), form).await?;
        read(&body, Tokens::read)
    }

    /// The body of a successful response.
    async fn post(&self, endpoint: Url, form: &[(&str, &str)]) -> Result<Vec<u8>, PollError> {
        let Ok(response) = self.http.post(endpoint).form(form).send().await else {
            return Err(PollError::NoResponse);
        };
        let status = response.status();
        let Ok(body) = response.bytes().await else { return Err(PollError::NoResponse) };
        if status.is_success() {
            return Ok(body.into());
        }
        if status.is_server_error() {
            return Err(PollError::NoResponse);
        }
        let unreadable = || PollError::Failed(format!("it sent an unreadable response ({status})"), None);
        let ErrorResponse { error, description } = ErrorResponse::read(&body).ok_or_else(unreadable)?;
        Err(match error.as_str() {
            "authorization_pending" => PollError::Pending,
            "slow_down" => PollError::SlowDown,
            _ => PollError::Failed(error, description),
        })
    }

    fn failure(&self, error: PollError) -> Failure {
        match error {
            PollError::Failed(code, description) if code == "invalid_grant" => Failure::Other(format!(
                "your sign-in has expired ({}): run `cluster-manager login`",
                description.unwrap_or(code)
            )),
            PollError::Failed(code, description) => Failure::other(SignInError::from_code(code, description)),
            PollError::NoResponse | PollError::Pending | PollError::SlowDown => {
                Failure::Unavailable(format!("the identity provider {} does not respond", self.issuer))
            }
        }
    }

    fn sign_in(&self, client_id: &str, tokens: Tokens, before: Option<SecretString>) -> SignIn {
        let lifetime = tokens.expires_in.map(|seconds| seconds.min(1 << 32).cast_signed());
        let lifetime = lifetime.map(time::Duration::seconds);
        SignIn::Provider {
            issuer: self.issuer.clone(),
            client_id: client_id.to_owned(),
            access_token: tokens.access_token,
            expires_at: lifetime.map(|lifetime| OffsetDateTime::now_utc() + lifetime),
            refresh_token: tokens.refresh_token.or(before),
        }
    }
}

/// An access token, and what comes with it.
struct Tokens {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    expires_in: Option<u64>,
}

impl Tokens {
    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let TokenResponse { access_token, refresh_token, expires_in, .. } = TokenResponse::read(body)?;
        Ok(Self {
            access_token: access_token?.into(),
            refresh_token: refresh_token.map(Into::into),
            expires_in,
        })
    }
}

/// What a successful response says, or what in it cannot be read.
fn read<T>(body: &[u8], read: impl FnOnce(&[u8]) -> Result<T, Unreadable>) -> Result<T, PollError> {
    read(body)
        .map_err(|problem| PollError::Failed(format!("it sent an unreadable response: {problem}"), None))
}

/// Checks the URL of an endpoint: secrets are sent over https, or within this machine.
fn endpoint(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(is_safe);
    url.ok_or_else(|| Failure::Other(format!("the identity provider uses {text:?}, which is not https")))
}
