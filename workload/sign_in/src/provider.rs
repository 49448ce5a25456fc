//! The identity provider: what it says of itself and its keys, fetched when first needed.

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

/// How long what the provider says of itself is taken for true without asking again.
const FRESH_FOR: Duration = Duration::from_secs(3600);
/// Nobody is sent to a provider that has not answered for so long without asking it first.
const ANSWERED_LATELY: Duration = Duration::from_secs(30);
/// An unknown key is looked for at most so often.
const KEYS_EVERY: Duration = Duration::from_secs(5);
/// A token that names no key may be signed by a new one: then keys older than this are fetched anew.
const UNNAMED_KEYS_FRESH_FOR: Duration = Duration::from_secs(60);

/// The identity provider, which may be away.
pub(crate) struct Provider {
    http: ProviderHttp,
    issuer: IssuerUrl,
    known: RwLock<Option<Arc<Known>>>,
    backoff: Mutex<Backoff>,
    /// Held by whoever fetches, so that there is one fetch at a time.
    fetching: tokio::sync::Mutex<LookedAt>,
}

/// When an unknown key was last looked for.
#[derive(Debug, Default)]
struct LookedAt {
    for_stranger: Option<Instant>,
    for_provider: Option<Instant>,
}

/// Who brought a token. Strangers make up tokens as they like; that must not keep us from looking for the key of a
/// token that the provider itself just gave us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Anybody, as a bearer.
    Stranger,
    /// The token endpoint.
    Provider,
}

/// What a token is verified with.
pub(crate) struct Keys {
    pub(crate) known: Arc<Known>,
    /// The token's key may be missing only because we could not look for it now.
    pub(crate) missing: Option<Away>,
}

/// What the provider says of itself.
pub(crate) struct Known {
    pub(crate) metadata: ProviderMetadataWithLogout,
    pub(crate) keys: CoreJsonWebKeySet,
    at: Instant,
    keys_at: Instant,
}

/// The provider does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the identity provider does not answer")]
pub(crate) struct Away {
    /// When it is asked again.
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

    /// What the provider says of itself. What is old is used while the provider does not answer.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, Away> {
        let Some(cached) = self.cached() else { return self.fetched(FRESH_FOR).await };
        if cached.at.elapsed() < FRESH_FOR || self.fetching.try_lock().is_err() {
            return Ok(cached);
        }
        Ok(self.fetched(FRESH_FOR).await.unwrap_or(cached))
    }

    /// The same for who is about to be sent there: an error if it does not answer.
    pub(crate) async fn answering(&self) -> Result<Arc<Known>, Away> {
        if let Some(away) = self.away() {
            return Err(away);
        }
        match self.cached().filter(|known| known.at.elapsed() < ANSWERED_LATELY) {
            Some(known) => Ok(known),
            None => self.fetched(ANSWERED_LATELY).await,
        }
    }

    /// What it says now, or said within `max_age` to whoever asked at the same time.
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
                tracing::warn!(issuer = %self.issuer.as_str(), problem, "the identity provider cannot be used");
                Err(self.failed())
            }
        }
    }

    /// The keys for a token that names this one. An unknown name has them fetched anew.
    pub(crate) async fn keys_for(&self, kid: Option<&str>, source: Source) -> Result<Keys, Away> {
        let known = self.known().await?;
        if known.has_key_for(kid) {
            return Ok(Keys { known, missing: None });
        }
        let mut looked_at = self.fetching.lock().await;
        let known = self.cached().unwrap_or(known);
        if known.has_key_for(kid) {
            return Ok(Keys { known, missing: None });
        }
        let looked_at = match source {
            Source::Stranger => &mut looked_at.for_stranger,
            Source::Provider => &mut looked_at.for_provider,
        };
        let wait = looked_at.and_then(|at| KEYS_EVERY.checked_sub(at.elapsed()));
        if let Some(away) = self.away().or(wait.map(|retry_after| Away { retry_after })) {
            return Ok(Keys { known, missing: Some(away) });
        }
        *looked_at = Some(Instant::now());
        let fetch = CoreJsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &self.http);
        match timeout(CALL_TIMEOUT, fetch).await {
            Ok(Ok(keys)) => {
                tracing::info!(keys = keys.keys().len(), "fetched the identity provider's keys anew");
                self.backoff().succeeded();
                let (metadata, at) = (known.metadata.clone(), known.at);
                let known = self.keep(Known { metadata, keys, at, keys_at: Instant::now() });
                Ok(Keys { known, missing: None })
            }
            Ok(Err(error)) => {
                tracing::warn!(problem = describe(error), "the identity provider's keys cannot be fetched");
                Ok(Keys { known, missing: Some(self.failed()) })
            }
            Err(_) => {
                tracing::warn!("the identity provider's keys do not come in time");
                Ok(Keys { known, missing: Some(self.failed()) })
            }
        }
    }

    /// Whether it did not answer so recently that it need not be asked again yet.
    pub(crate) fn away(&self) -> Option<Away> {
        self.backoff().wait(Instant::now()).map(|retry_after| Away { retry_after })
    }

    /// It did not answer.
    pub(crate) fn failed(&self) -> Away {
        let now = Instant::now();
        let mut backoff = self.backoff();
        backoff.failed(now);
        Away { retry_after: backoff.wait(now).unwrap_or(CALL_TIMEOUT) }
    }

    /// It answered.
    pub(crate) fn answered(&self) {
        self.backoff().succeeded();
    }

    async fn discover(&self) -> Result<Known, String> {
        let discovery = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http);
        let metadata =
            timeout(CALL_TIMEOUT, discovery).await.map_err(|_| "it does not answer in time".to_owned())?;
        let metadata = metadata.map_err(describe)?;
        check_endpoints(&metadata)?;
        let (keys, now) = (metadata.jwks().clone(), Instant::now());
        tracing::debug!(issuer = %self.issuer.as_str(), "the identity provider answers");
        Ok(Known { metadata, keys, at: now, keys_at: now })
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        self.answered();
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
            None => self.keys_at.elapsed() < UNNAMED_KEYS_FRESH_FOR,
        }
    }

    /// Whether the client's secret goes into the body, for a provider that takes it nowhere else.
    pub(crate) fn wants_secret_in_body(&self) -> bool {
        self.metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        })
    }
}

/// Whether codes, secrets and keys go only where nobody can listen, whatever the provider says of itself.
fn check_endpoints(metadata: &ProviderMetadataWithLogout) -> Result<(), String> {
    let token = metadata.token_endpoint().ok_or_else(|| "it names no token endpoint".to_owned())?;
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

/// What went wrong, without what the provider sent.
fn describe(error: DiscoveryError<HttpError>) -> String {
    match error {
        DiscoveryError::Request(error) => chain(&error),
        other => chain(&other),
    }
}

/// An error and what is under it, in one line.
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
        assert_eq!(check(&json!({"token_endpoint": null})), Err("it names no token endpoint".to_owned()));
    }
}
