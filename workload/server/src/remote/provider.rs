//! The identity provider, as far as a command line needs it: the device authorization grant (RFC 8628), and a new
//! access token when the old one ends.

use std::time::Instant;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::address::is_loopback;
use super::client::{TIMEOUT, reason};
use super::device::{Heard, NotConfirmed, Polling};
use super::trust::provider_config;
use super::{SignIn, Trust};
use crate::failure::Failure;

/// How the hub's people sign in, as the hub says it at `/1.0/sign-in`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SignInOptions {
    /// The provider.
    pub(crate) issuer: String,
    /// As which client we are known there.
    pub(crate) client_id: String,
    /// For whom an access token must be made, if the hub takes any.
    pub(crate) audience: Option<String>,
    /// What to ask for.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

/// A provider that was asked what it can do.
pub(crate) struct Provider {
    http: reqwest::Client,
    issuer: String,
    token_endpoint: Url,
    device_endpoint: Option<Url>,
}

/// What somebody must confirm.
#[derive(Deserialize)]
pub(crate) struct DeviceCode {
    #[serde(rename = "device_code")]
    secret: SecretString,
    /// What they must type.
    pub(crate) user_code: String,
    /// Where.
    pub(crate) verification_uri: String,
    /// The same with the code in it.
    pub(crate) verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: SecretString,
    expires_in: Option<i64>,
    refresh_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct ProviderError {
    error: String,
    error_description: Option<String>,
}

impl Provider {
    /// Asks the provider what it can do.
    pub(crate) async fn discover(issuer: &str, trust: &Trust) -> Result<Self, Failure> {
        let url = endpoint(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(provider_config(trust)?)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT);
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(Failure::other)?;
        let away =
            |problem: String| Failure::Unavailable(format!("the identity provider {issuer}: {problem}"));
        let response = http.get(url).send().await.map_err(|error| away(reason(&error)))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| away(reason(&error)))?;
        if !status.is_success() {
            return Err(away(format!("it answers {status} to what it can do")));
        }
        let discovered: Discovered =
            serde_json::from_slice(&body).map_err(|error| away(error.to_string()))?;
        if discovered.issuer != issuer {
            return Err(away(format!("it says that it is another one, {}", discovered.issuer)));
        }
        Ok(Self {
            http,
            issuer: discovered.issuer,
            token_endpoint: endpoint(&discovered.token_endpoint)?,
            device_endpoint: discovered.device_authorization_endpoint.as_deref().map(endpoint).transpose()?,
        })
    }

    /// Whether it lets people confirm a code in their browser.
    pub(crate) fn knows_devices(&self) -> bool {
        self.device_endpoint.is_some()
    }

    /// Asks for a code that somebody must confirm.
    pub(crate) async fn begin(&self, options: &SignInOptions) -> Result<DeviceCode, Failure> {
        let endpoint = self.device_endpoint.clone().ok_or_else(|| {
            Failure::Other("the identity provider does not know the device authorization grant".to_owned())
        })?;
        let scope = options.scopes.join(" ");
        let mut form = vec![("client_id", options.client_id.as_str()), ("scope", &scope)];
        if let Some(audience) = &options.audience {
            form.push(("audience", audience));
        }
        self.ask(endpoint, &form).await.map_err(|heard| self.failure(heard))
    }

    /// Waits until the code is confirmed.
    pub(crate) async fn confirmed(
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
            match self.ask::<Tokens>(self.token_endpoint.clone(), &form).await {
                Ok(tokens) => return Ok(self.sign_in(&options.client_id, tokens, None)),
                Err(heard) => {
                    wait = polling.next(heard, began.elapsed()).map_err(Failure::other)?;
                }
            }
        }
    }

    /// A new access token. The provider may give a new refresh token too; the old one then no longer works.
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
        let tokens =
            self.ask(self.token_endpoint.clone(), &form).await.map_err(|heard| self.failure(heard))?;
        Ok(self.sign_in(client_id, tokens, Some(refresh_token)))
    }

    async fn ask<T: DeserializeOwned>(&self, endpoint: Url, form: &[(&str, &str)]) -> Result<T, Heard> {
        let Ok(response) = self.http.post(endpoint).form(form).send().await else {
            return Err(Heard::Nothing);
        };
        let status = response.status();
        let Ok(body) = response.bytes().await else { return Err(Heard::Nothing) };
        let not_understood =
            || Heard::Error(format!("an answer that is not understood (status {status})"), None);
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| not_understood());
        }
        if status.is_server_error() {
            return Err(Heard::Nothing);
        }
        let error: ProviderError = serde_json::from_slice(&body).map_err(|_| not_understood())?;
        Err(match error.error.as_str() {
            "authorization_pending" => Heard::Pending,
            "slow_down" => Heard::SlowDown,
            _ => Heard::Error(error.error, error.error_description),
        })
    }

    fn failure(&self, heard: Heard) -> Failure {
        match heard {
            Heard::Error(code, words) if code == "invalid_grant" => Failure::Other(format!(
                "your sign-in has ended ({}): sign in again with `cluster-manager login`",
                words.unwrap_or(code)
            )),
            Heard::Error(code, words) => Failure::other(NotConfirmed::from_code(code, words)),
            Heard::Nothing | Heard::Pending | Heard::SlowDown => {
                Failure::Unavailable(format!("the identity provider {} does not answer", self.issuer))
            }
        }
    }

    fn sign_in(&self, client_id: &str, tokens: Tokens, before: Option<SecretString>) -> SignIn {
        let lifetime = tokens.expires_in.map(|seconds| time::Duration::seconds(seconds.clamp(0, 1 << 32)));
        SignIn::Provider {
            issuer: self.issuer.clone(),
            client_id: client_id.to_owned(),
            access_token: tokens.access_token,
            expires_at: lifetime.map(|lifetime| OffsetDateTime::now_utc() + lifetime),
            refresh_token: tokens.refresh_token.or(before),
        }
    }
}

/// A provider's address: nothing secret is sent in clear over a network.
fn endpoint(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)));
    url.ok_or_else(|| Failure::Other(format!("the identity provider is at {text:?}, which is not https")))
}
