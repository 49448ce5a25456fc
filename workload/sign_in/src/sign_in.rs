//! Sign-in: its options, and what all of it shares.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use api::SignInSettings;
use edge::{ServerIdentity, SharedConnection};
use fleet::{Actor, ActorKind, CredentialId, Origin, RoleMapping};
use http::HeaderMap;
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use store::Store;
use store::access::{Person, SessionLimits};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::host;
use crate::provider::Provider;
use crate::provider::http::ProviderHttp;

/// The scopes that the hub requests from the provider.
pub(crate) const SCOPES: [&str; 4] = ["openid", "offline_access", "email", "profile"];
/// The divisor of the database connections that renewals may hold while they wait for the provider.
const RENEWAL_CONNECTIONS_DIVISOR: usize = 4;
/// How often ended sessions are removed.
const PRUNE_INTERVAL: Duration = Duration::from_secs(600);

/// How people sign in.
#[derive(Clone)]
pub struct SignInOptions {
    /// The issuer URL of the identity provider.
    pub issuer: IssuerUrl,
    /// The hub's client id at the provider.
    pub client_id: String,
    /// The hub's client secret, if the provider needs one.
    pub client_secret: Option<SecretString>,
    /// The audience to request, which access tokens of programs must have. If it is `None`, no access tokens are accepted.
    pub audience: Option<String>,
    /// The claim with a person's groups.
    pub groups_claim: String,
    /// The public address of the hub as `host[:port]`. If it is `None`, any name that the certificate covers.
    pub domain: Option<String>,
    /// The certificate of the management API.
    pub identity: Arc<ServerIdentity>,
    /// When sessions expire.
    pub session: SessionLimits,
    /// How long a person's role may lag behind their groups at the provider.
    pub role_max_age: Duration,
    /// The HTTP client for the provider.
    pub http: ProviderHttp,
}

/// Sign-in and sessions.
pub struct SignIn {
    pub(crate) store: Store,
    pub(crate) options: SignInOptions,
    pub(crate) roles: RoleMapping,
    pub(crate) provider: Provider,
    pub(crate) renewals: Semaphore,
}

/// A person whom the identity provider has authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) person: Person,
    pub(crate) groups: Vec<String>,
    /// The provider left the groups out of the token.
    pub(crate) groups_left_out: bool,
    /// The session; `None` for an access token.
    pub(crate) credential: Option<CredentialId>,
    /// Until when all of this counts, in seconds since 1970.
    pub(crate) valid_until: i64,
}

/// A browser's request to one of the sign-in pages.
#[derive(Debug)]
pub struct BrowserRequest {
    /// Its headers.
    pub headers: HeaderMap,
    /// The host that it names, with a port if it names one.
    pub host: Option<String>,
    /// The query without its question mark, as sent.
    pub query: String,
    /// Who calls and from where, for the audit trail.
    pub origin: Origin,
}

impl SignIn {
    /// Sign-in over this store. The roles say what a person's groups allow.
    pub fn new(store: Store, options: SignInOptions, roles: RoleMapping) -> Arc<Self> {
        let provider = Provider::new(options.http.clone(), options.issuer.clone());
        let renewals = Semaphore::new((store.max_connections() / RENEWAL_CONNECTIONS_DIVISOR).max(1));
        Arc::new(Self { store, options, roles, provider, renewals })
    }

    /// What a program needs to know to sign a person in at the identity provider.
    pub fn settings(&self) -> SignInSettings {
        SignInSettings {
            issuer: self.options.issuer.to_string(),
            client_id: self.options.client_id.clone(),
            audience: self.options.audience.clone(),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            provider: self.provider.state().into(),
        }
    }

    /// Whether a request that names this host is meant for this hub, if clients may share its connection between hosts.
    pub fn is_own_host(&self, host: &str, connection: &SharedConnection) -> bool {
        let opened_for = connection.server_name.as_deref();
        host::is_own(self.options.domain.as_deref(), &self.options.identity.leaf_names(), host, opened_for)
    }

    /// When sessions expire.
    pub fn session_limits(&self) -> SessionLimits {
        self.options.session
    }

    /// Removes sessions that have ended, every `PRUNE_INTERVAL` until shutdown.
    pub async fn prune(&self, ended: CancellationToken) {
        let mut ticks = tokio::time::interval(PRUNE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            match self.store.prune_sessions(self.options.session).await {
                Ok(0) => {}
                Ok(sessions) => tracing::debug!(sessions, "removed ended sessions"),
                Err(error) => tracing::debug!(%error, "cannot remove ended sessions"),
            }
        }
    }
}

/// A person as an actor of the audit trail.
pub(crate) fn actor(person: &Person) -> Actor {
    Actor { kind: ActorKind::Person, id: person.subject.clone(), name: person.name.clone() }
}

impl fmt::Debug for SignInOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInOptions").field("issuer", &self.issuer.as_str()).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
#[expect(clippy::unwrap_used, reason = "for tests")]
impl SignInOptions {
    /// Options for tests in which nobody signs in.
    pub fn for_tests() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("tls.key"), key.serialize_pem()).unwrap();
        Self {
            issuer: IssuerUrl::new("https://idp.example.com".to_owned()).unwrap(),
            client_id: "cluster-manager".to_owned(),
            client_secret: None,
            audience: None,
            groups_claim: "mcm-idp-groups".to_owned(),
            domain: None,
            identity: ServerIdentity::load(folder.path()).unwrap(),
            session: SessionLimits { idle: Duration::from_hours(8), lifetime: Duration::from_hours(168) },
            role_max_age: Duration::from_hours(1),
            http: ProviderHttp::new(None).unwrap(),
        }
    }
}
