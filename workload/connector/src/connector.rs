//! What all endpoints share, and the tasks that run beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edge::Error;
use edge::rate_limit::LimitSettings;
use protocol::Address;
use store::database::Readiness;
use store::heartbeats::Presence;
use store::{HeartbeatWriter, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::errors;
use crate::identity_cache::IdentityCache;
use crate::large_bodies::LargeBodies;
use crate::limits::RateLimits;
use crate::metrics::ConnectorMetrics;
use crate::metrics_sink::MetricsSink;

/// What the connector needs to know beside its store.
pub struct Options {
    /// Where sites reach the connector; told in every heartbeat's answer.
    pub address: Address,
    /// How often whom may ask for what.
    pub limits: LimitSettings,
    /// Where the sites' metrics go.
    pub sink: Arc<dyn MetricsSink>,
}

/// The connector: what its endpoints share.
pub struct Connector {
    pub(crate) store: Store,
    pub(crate) writer: HeartbeatWriter,
    pub(crate) identities: Arc<IdentityCache>,
    pub(crate) limits: RateLimits,
    pub(crate) readiness: Readiness,
    pub(crate) address: String,
    pub(crate) sink: Arc<dyn MetricsSink>,
    pub(crate) metrics: ConnectorMetrics,
    pub(crate) large_bodies: LargeBodies,
    presence: Arc<Presence>,
    is_prepared: AtomicBool,
}

impl Connector {
    /// A connector over this store. Call it inside a runtime: it starts the batch writer.
    pub fn new(store: Store, options: Options) -> Arc<Self> {
        let presence = Arc::new(Presence::new(store.clone()));
        let writer = HeartbeatWriter::start(store.clone(), presence.clone());
        Arc::new(Self {
            metrics: ConnectorMetrics::new(writer.counts()),
            writer,
            identities: Arc::new(IdentityCache::new(store.clone())),
            limits: RateLimits::new(&options.limits),
            readiness: Readiness::new(store.clone()),
            address: options.address.to_string(),
            sink: options.sink,
            large_bodies: LargeBodies::new(),
            presence,
            store,
            is_prepared: AtomicBool::new(false),
        })
    }

    /// What the connector counts of itself.
    pub fn metrics(&self) -> &ConnectorMetrics {
        &self.metrics
    }

    /// Makes ready to accept: an outage that ends now must be accounted for before the first heartbeat after it.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.presence.mark().await?;
        self.identities.resync().await?;
        self.is_prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Until [`Self::prepare`] succeeded, all that needs the database is answered 503.
    pub(crate) fn ensure_prepared(&self) -> Result<(), Error> {
        if self.is_prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Error::Unavailable {
            retry_after: errors::RETRY_AFTER,
            cause: "the unit is still starting".into(),
        })
    }

    /// Runs what must run beside the endpoints, until shutdown. From `draining` on nobody new is accepted, and the
    /// service clock is told so.
    pub async fn run(self: Arc<Self>, draining: CancellationToken, shutdown: CancellationToken) {
        tokio::join!(
            self.presence.run(draining),
            self.identities.follow(shutdown.clone()),
            self.limits.maintain(shutdown.clone()),
            self.metrics.follow(&self.writer, &self.identities, shutdown),
        );
    }

    /// How long until the next beat is wanted: about a minute, spread so that a fleet which was cut off together
    /// does not come back in step.
    pub(crate) fn next_update() -> Duration {
        Duration::from_secs(rand::random_range(57..=63))
    }
}
