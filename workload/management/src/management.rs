//! What all endpoints share, and the background tasks.

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

/// The options of the management API.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a cluster becomes late or lost.
    pub health: HealthRules,
    /// The roles of the identity provider's groups.
    pub roles: RoleMapping,
    /// The rate limits.
    pub limits: LimitSettings,
    /// The connector's address for clusters, which join tokens contain.
    pub connector: Address,
    /// The public address of this API as `host[:port]`, if it is known.
    pub public_name: Option<String>,
    /// How people sign in.
    pub sign_in: SignInOptions,
    /// The hub's settings by the keys of contract 2, with secrets masked.
    pub configuration: BTreeMap<&'static str, SettingView>,
}

#[cfg(feature = "testing")]
#[expect(clippy::unwrap_used, reason = "for tests")]
impl Options {
    /// Options for tests of handlers.
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
    /// Limits how many requests read the audit trail at once, since each may read all of it.
    pub(crate) event_readers: Semaphore,
}

impl Management {
    /// The API of this store.
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

    /// Records a refused sign-in in the audit trail, without blocking. Refusals of one kind become one event per minute. The
    /// reason must be one of a few fixed texts.
    pub fn note_refused_sign_in(&self, origin: Origin, reason: &str) {
        self.refusals.note_sign_in(origin, reason);
    }

    /// Runs the background tasks until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::join!(
            self.limits.maintain(shutdown.clone()),
            self.changes.run(&self.store, shutdown.clone()),
            self.refusals.write(&self.store, shutdown.clone()),
            self.sign_in.prune(shutdown),
        );
    }
}
