//! What all endpoints share, and the tasks that run beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::SettingView;
use edge::rate_limit::LimitSettings;
use fleet::{HealthRules, Origin, RoleMapping};
use protocol::Address;
use sign_in::{SignIn, SignInOptions};
use store::Store;
use store::database::Readiness;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::change_feed::ChangeFeed;
use crate::http::limits::RateLimits;
use crate::http::refusals::Refusals;

/// What the management API needs to know beside its store.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a cluster is late, and when lost.
    pub health: HealthRules,
    /// Which group gives which role.
    pub roles: RoleMapping,
    /// How often whom may ask for what.
    pub limits: LimitSettings,
    /// Where sites reach the connector; written into join tokens.
    pub connector: Address,
    /// Where people reach this API, as `host[:port]`, if that is known.
    pub public_name: Option<String>,
    /// How people sign in.
    pub sign_in: SignInOptions,
    /// The hub's settings by the keys of contract 2, with secrets masked.
    pub configuration: BTreeMap<&'static str, SettingView>,
}

#[cfg(feature = "testing")]
#[expect(clippy::unwrap_used, reason = "for tests")]
impl Options {
    /// What tests of single handlers need.
    pub fn for_tests() -> Self {
        let unlimited = LimitSettings {
            refill_rate: Some(100_000.0),
            bucket_size: std::num::NonZeroU32::new(1_000_000),
            ..LimitSettings::default()
        };
        Self {
            health: HealthRules::default(),
            roles: RoleMapping::default(),
            limits: unlimited,
            // Any valid address will do.
            connector: Address::new("localhost", 1).unwrap(),
            public_name: None,
            sign_in: SignInOptions::for_tests(),
            configuration: BTreeMap::new(),
        }
    }
}

/// The management API: what its endpoints share.
pub struct Management {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) limits: RateLimits,
    pub(crate) readiness: Readiness,
    pub(crate) changes: ChangeFeed,
    pub(crate) refusals: Refusals,
    pub(crate) sign_in: Arc<SignIn>,
    /// How many may search the audit trail at once: each may read all of it.
    pub(crate) event_readers: Semaphore,
}

impl Management {
    /// The API over this store.
    pub fn new(store: Store, options: Options) -> Arc<Self> {
        Arc::new(Self {
            limits: RateLimits::new(&options.limits),
            readiness: Readiness::new(store.clone()),
            changes: ChangeFeed::new(),
            refusals: Refusals::default(),
            sign_in: SignIn::new(store.clone(), options.sign_in.clone(), options.roles.clone()),
            event_readers: Semaphore::new(2),
            store,
            options,
        })
    }

    /// Notes for the audit trail that somebody was not let in, without waiting; many alike become one row a minute.
    /// The reason comes from a small set, and holds nothing secret.
    pub fn note_refused_sign_in(&self, origin: Origin, reason: &str) {
        self.refusals.note_sign_in(origin, reason);
    }

    /// What must run beside the endpoints, until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::join!(
            self.limits.maintain(shutdown.clone()),
            self.changes.run(&self.store, shutdown.clone()),
            self.refusals.write(&self.store, shutdown.clone()),
            self.sign_in.prune(shutdown),
        );
    }
}
