//! The identity provider: its metadata and keys, fetched when they are first needed.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use api::known::ProviderState;
use openidconnect::core::{CoreClientAuthMethod, CoreJsonWebKeySet};
use openidconnect::{DiscoveryError, EndSessionUrl, IssuerUrl, JsonWebKey as _, ProviderMetadataWithLogout};
use tokio::time::timeout;

use self::backoff::Backoff;
use self::http::{CALL_TIMEOUT, HttpError, ProviderHttp, is_safe};

mod backoff;
pub(crate) mod http;

/// How long metadata is used before it is fetched again.
const MAX_METADATA_AGE: Duration = Duration::from_secs(3600);
/// Before a person is sent to the provider, it must have responded this recently.
const MAX_AGE_BEFORE_REDIRECT: Duration = Duration::from_secs(30);
/// The shortest time between two fetches of keys because of an unknown key.
const MIN_KEYS_INTERVAL: Duration = Duration::from_secs(5);
/// A token without a key ID may be signed with a new one. For such tokens keys older than this are fetched again.
const MAX_KEYS_AGE_WITHOUT_KEY_ID: Duration = Duration::from_secs(60);

/// The identity provider.
pub(crate) struct Provider {
    http: ProviderHttp,
    issuer: IssuerUrl,
    known: RwLock<Option<Arc<Known>>>,
    backoff: Mutex<Backoff>,
    /// Held during a fetch, so that there is one at a time.
    fetching: tokio::sync::Mutex<KeyFetches>,
}

/// When the keys were last fetched because of an unknown key.
#[derive(Debug, Default)]
struct KeyFetches {
    for_caller: Option<Instant>,
    for_provider: Option<Instant>,
}

/// Where a token comes from. Callers can make up tokens with unknown keys. That must not delay fetching the key of a token
/// that the provider itself has just issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A caller of the API.
    Caller,
    /// The provider's token endpoint.
    Provider,
}

/// The keys to verify a token with.
pub(crate) struct Keys {
    pub(crate) known: Arc<Known>,
    /// Set if the token's key is unknown and could not be fetched now.
    pub(crate) missing: Option<Away>,
}

/// The provider's metadata and keys.
pub(crate) struct Known {
    pub(crate) metadata: ProviderMetadataWithLogout,
    pub(crate) keys: CoreJsonWebKeySet,
    at: Instant,
    keys_at: Instant,
}

/// The provider does not respond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the identity provider does not respond")]
pub(crate) struct Away {
    /// When to try again.
    pub(crate) retry_after: Duration,
}

impl Provider {
    pub(crate) fn new(http: ProviderHttp, issuer: IssuerUrl) -> Self {
        Self {
            http,
            issuer,
            known: RwLock::default(),
            backoff: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn http(&self) -> &ProviderHttp {
        &self.http
    }

    pub(crate) fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    pub(crate) fn state(&self) -> ProviderState {
        if self.backoff().has_failed() {
            return ProviderState::Away;
        }
        if self.cached().is_some() { ProviderState::Reachable } else { ProviderState::Unknown }
    }

    /// The provider's metadata and keys. Old ones are used while it does not respond.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, Away> {
        let Some(cached) = self.cached() else { return self.fetched(MAX_METADATA_AGE).await };
        if cached.at.elapsed() < MAX_METADATA_AGE || self.fetching.try_lock().is_err() {
            return Ok(cached);
        }
        Ok(self.fetched(MAX_METADATA_AGE).await.unwrap_or(cached))
    }

    /// The metadata and keys for redirecting a person to the provider. Fails if it does not respond.
    pub(crate) async fn known_and_responding(&self) -> Result<Arc<Known>, Away> {
        if let Some(away) = self.away() {
            return Err(away);
        }
        match self.cached().filter(|known| known.at.elapsed() < MAX_AGE_BEFORE_REDIRECT) {
            Some(known) => Ok(known),
            None => self.fetched(MAX_AGE_BEFORE_REDIRECT).await,
        }
    }

    /// Fetches metadata and keys, unless another task has done so within `max_age`.
    async fn fetched(&self, max_age: Duration) -> Result<Arc<Known>, Away> {
        let _fetching = self.fetching.lock().await;
        if let Some(known) = self.cached().filter(|known| known.at.elapsed() < max_age) {
            return Ok(known);
        }
        if let Some(away) = self.away() {
            return Err(away);
        }
        match self.discover().await {
            Ok(known) => Ok(self.keep(known)),
            Err(problem) => {
                tracing::warn!(issuer = %self.issuer.as_str(), problem, "cannot use the identity provider");
                Err(self.failed())
            }
        }
    }

    /// The keys for a token that names this key. Fetches the keys again if it is unknown.
    pub(crate) async fn keys_for(&self, kid: Option<&str>, source: Source) -> Result<Keys, Away> {
        let known = self.known().await?;
        if known.has_key_for(kid) {
            return Ok(Keys { known, missing: None });
        }
        let mut fetches = self.fetching.lock().await;
        let known = self.cached().unwrap_or(known);
        if known.has_key_for(kid) {
            return Ok(Keys { known, missing: None });
        }
        let last_fetch = match source {
            Source::Caller => &mut fetches.for_caller,
            Source::Provider => &mut fetches.for_provider,
        };
        let wait = last_fetch.and_then(|at| MIN_KEYS_INTERVAL.checked_sub(at.elapsed()));
        if let Some(away) = self.away().or(wait.map(|retry_after| Away { retry_after })) {
            return Ok(Keys { known, missing: Some(away) });
        }
        *last_fetch = Some(Instant::now());
        let fetch = CoreJsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &self.http);
        match timeout(CALL_TIMEOUT, fetch).await {
            Ok(Ok(keys)) => {
                tracing::info!(keys = keys.keys().len(), "fetched the keys of the identity provider again");
                self.backoff().succeeded();
                let (metadata, at) = (known.metadata.clone(), known.at);
                let known = self.keep(Known { metadata, keys, at, keys_at: Instant::now() });
                Ok(Keys { known, missing: None })
            }
            Ok(Err(error)) => {
                tracing::warn!(problem = describe(error), "cannot fetch the keys of the identity provider");
                Ok(Keys { known, missing: Some(self.failed()) })
            }
            Err(_) => {
                tracing::warn!("the keys of the identity provider did not arrive in time");
                Ok(Keys { known, missing: Some(self.failed()) })
            }
        }
    }

    /// Whether the provider has failed so recently that it should not be called again yet.
    pub(crate) fn away(&self) -> Option<Away> {
        self.backoff().wait(Instant::now()).map(|retry_after| Away { retry_after })
    }

    /// Notes that the provider did not respond.
    pub(crate) fn failed(&self) -> Away {
        let now = Instant::now();
        let mut backoff = self.backoff();
        backoff.failed(now);
        Away { retry_after: backoff.wait(now).unwrap_or(CALL_TIMEOUT) }
    }

    /// Notes that the provider responded.
    pub(crate) fn succeeded(&self) {
        self.backoff().succeeded();
    }

    async fn discover(&self) -> Result<Known, String> {
        let discovery = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http);
        let metadata =
            timeout(CALL_TIMEOUT, discovery).await.map_err(|_| "it does not respond in time".to_owned())?;
        let metadata = metadata.map_err(describe)?;
        check_endpoints(&metadata)?;
        let (keys, now) = (metadata.jwks().clone(), Instant::now());
        tracing::debug!(issuer = %self.issuer.as_str(), "the identity provider responds");
        Ok(Known { metadata, keys, at: now, keys_at: now })
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        self.succeeded();
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        known
    }

    fn cached(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn backoff(&self) -> std::sync::MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn has_key_for(&self, kid: Option<&str>) -> bool {
        match kid {
            Some(kid) => self.keys.keys().iter().any(|key| key.key_id().is_some_and(|id| id.as_str() == kid)),
            None => self.keys_at.elapsed() < MAX_KEYS_AGE_WITHOUT_KEY_ID,
        }
    }

    /// Whether the provider accepts the client secret only in the body.
    pub(crate) fn wants_secret_in_body(&self) -> bool {
        self.metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        })
    }
}

/// Checks that codes, secrets and keys are only sent over protected connections.
fn check_endpoints(metadata: &ProviderMetadataWithLogout) -> Result<(), String> {
    let token = metadata.token_endpoint().ok_or_else(|| "its metadata has no token endpoint".to_owned())?;
    let end_session = metadata.additional_metadata().end_session_endpoint.as_ref();
    let named = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("token_endpoint", Some(token.url())),
        ("jwks_uri", Some(metadata.jwks_uri().url())),
        ("end_session_endpoint", end_session.map(EndSessionUrl::url)),
    ];
    match named.into_iter().find(|(_, url)| url.is_some_and(|url| !is_safe(url))) {
        Some((name, _)) => Err(format!("its {name} is neither https nor on loopback")),
        None => Ok(()),
    }
}

/// The error without the provider's response.
fn describe(error: DiscoveryError<HttpError>) -> String {
    match error {
        DiscoveryError::Request(error) => chain(&error),
        other => chain(&other),
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(changed: &Value) -> Result<(), String> {
        let mut metadata = json!({
            "issuer": "https://idp", "authorization_endpoint": "https://idp/authorize",
            "token_endpoint": "https://idp/token", "jwks_uri": "https://idp/keys",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        for (name, value) in changed.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        check_endpoints(&serde_json::from_value(metadata).unwrap())
    }

    #[test]
    fn every_endpoint_is_https_or_on_loopback() {
        assert_eq!(check(&json!({})), Ok(()));
        assert_eq!(check(&json!({"end_session_endpoint": "https://elsewhere/end"})), Ok(()));
        assert_eq!(check(&json!({"token_endpoint": "http://127.0.0.1:8085/token"})), Ok(()));
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"] {
            let problem = format!("its {name} is neither https nor on loopback");
            for address in ["http://idp/x", "javascript:alert(1)"] {
                assert_eq!(check(&json!({ name: address })), Err(problem.clone()), "{address}");
            }
        }
        assert_eq!(
            check(&json!({"token_endpoint": null})),
            Err("its metadata has no token endpoint".to_owned())
        );
    }
}
