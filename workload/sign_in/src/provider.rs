//! The identity provider: its metadata and keys, fetched when they are first needed.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use api::known::ProviderState;
use openid_documents::Metadata;
use openid_documents::metadata::address_of;
use openidconnect::IssuerUrl;
use tokio::time::timeout;
use url::Url;

use self::backoff::Backoff;
use self::http::{CALL_TIMEOUT, ProviderHttp};
use self::keys::Keys;

mod backoff;
pub(crate) mod http;
pub(crate) mod keys;

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
pub(crate) struct KeysForToken {
    pub(crate) known: Arc<Known>,
    /// Set if the token's key is unknown and could not be fetched now.
    pub(crate) missing: Option<Away>,
}

/// The provider's metadata and keys.
pub(crate) struct Known {
    pub(crate) metadata: Metadata,
    pub(crate) keys: Keys,
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
    pub(crate) async fn keys_for(&self, kid: Option<&str>, source: Source) -> Result<KeysForToken, Away> {
        let known = self.known().await?;
        if known.has_key_for(kid) {
            return Ok(KeysForToken { known, missing: None });
        }
        let mut fetches = self.fetching.lock().await;
        let known = self.cached().unwrap_or(known);
        if known.has_key_for(kid) {
            return Ok(KeysForToken { known, missing: None });
        }
        let last_fetch = match source {
            Source::Caller => &mut fetches.for_caller,
            Source::Provider => &mut fetches.for_provider,
        };
        let wait = last_fetch.and_then(|at| MIN_KEYS_INTERVAL.checked_sub(at.elapsed()));
        if let Some(away) = self.away().or(wait.map(|retry_after| Away { retry_after })) {
            return Ok(KeysForToken { known, missing: Some(away) });
        }
        *last_fetch = Some(Instant::now());
        match timeout(CALL_TIMEOUT, self.fetch_keys(&known.metadata)).await {
            Ok(Ok(keys)) => {
                tracing::info!(keys = keys.all().len(), "fetched the keys of the identity provider again");
                self.backoff().succeeded();
                let (metadata, at) = (known.metadata.clone(), known.at);
                let known = self.keep(Known { metadata, keys, at, keys_at: Instant::now() });
                Ok(KeysForToken { known, missing: None })
            }
            Ok(Err(problem)) => {
                tracing::warn!(problem, "cannot fetch the keys of the identity provider");
                Ok(KeysForToken { known, missing: Some(self.failed()) })
            }
            Err(_) => {
                tracing::warn!("the keys of the identity provider did not arrive in time");
                Ok(KeysForToken { known, missing: Some(self.failed()) })
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
        let discovery = async {
            let issuer = self.issuer.as_str();
            let address = Url::parse(&address_of(issuer)).map_err(|error| error.to_string())?;
            let body = self.http.get(&address).await;
            let body = body.map_err(|error| format!("discovery document: {}", chain(&error)))?;
            let metadata = Metadata::read(issuer, &body).map_err(|error| error.to_string())?;
            let keys = self.fetch_keys(&metadata).await?;
            Ok::<_, String>((metadata, keys))
        };
        let (metadata, keys) = timeout(CALL_TIMEOUT, discovery)
            .await
            .map_err(|_| "it does not respond in time".to_owned())??;
        let now = Instant::now();
        tracing::debug!(issuer = %self.issuer.as_str(), "the identity provider responds");
        Ok(Known { metadata, keys, at: now, keys_at: now })
    }

    /// The keys, or why they cannot be had, without the provider's response.
    async fn fetch_keys(&self, metadata: &Metadata) -> Result<Keys, String> {
        let body = self.http.get(&metadata.jwks_uri).await;
        let body = body.map_err(|error| format!("key set: {}", chain(&error)))?;
        Keys::read(&body).map_err(|error| error.to_string())
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
            Some(kid) => self.keys.has(kid),
            None => self.keys_at.elapsed() < MAX_KEYS_AGE_WITHOUT_KEY_ID,
        }
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
