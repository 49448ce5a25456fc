//! What all endpoints share, and the background tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edge::Error;
use edge::rate_limit::LimitSettings;
use protocol::Address;
use store::database::Readiness;
use store::heartbeats::Presence;
use store::{HeartbeatWriter, Store, StoreError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::bodies::Bodies;
use crate::errors;
use crate::identity_cache::IdentityCache;
use crate::join_refusals::JoinRefusals;
use crate::limits::RateLimits;
use crate::metrics::ConnectorMetrics;
use crate::metrics_sink::MetricsSink;
use crate::unanswered_joins::UnansweredJoins;

/// The connector's configuration.
pub struct Options {
    /// The address at which clusters reach the connector. Every response to a heartbeat contains it.
    pub address: Address,
    /// The rate limits.
    pub limits: LimitSettings,
    /// The receiver of the clusters' metrics.
    pub sink: Arc<dyn MetricsSink>,
}

/// The connector: the state that its endpoints share.
pub struct Connector {
    pub(crate) store: Store,
    pub(crate) writer: HeartbeatWriter,
    pub(crate) identities: Arc<IdentityCache>,
    pub(crate) limits: RateLimits,
    pub(crate) readiness: Readiness,
    pub(crate) address: String,
    pub(crate) sink: Arc<dyn MetricsSink>,
    pub(crate) metrics: ConnectorMetrics,
    pub(crate) bodies: Bodies,
    /// Held while a large body is parsed.
    pub(crate) parsing: Semaphore,
    pub(crate) unanswered_joins: UnansweredJoins,
    pub(crate) join_refusals: JoinRefusals,
    presence: Arc<Presence>,
    is_prepared: AtomicBool,
}

impl Connector {
    /// A connector with this store. Must be called in a runtime, because it starts the batch writer.
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
            bodies: Bodies::new(),
            parsing: Semaphore::new(1),
            unanswered_joins: UnansweredJoins::default(),
            join_refusals: JoinRefusals::new(),
            presence,
            store,
            is_prepared: AtomicBool::new(false),
        })
    }

    /// The connector's own metrics.
    pub fn metrics(&self) -> &ConnectorMetrics {
        &self.metrics
    }

    /// Prepares for requests: the end of an outage must be recorded before the first heartbeat after it.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.presence.mark().await?;
        self.identities.resync().await?;
        self.is_prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Returns a 503 until [`Self::prepare`] has succeeded. For requests that need the database.
    pub(crate) fn ensure_prepared(&self) -> Result<(), Error> {
        if self.is_prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Error::Unavailable {
            retry_after: errors::RETRY_AFTER,
            cause: "the unit is still starting".into(),
        })
    }

    /// Runs the background tasks until shutdown. From `draining` on, no new requests are accepted, and the service clock
    /// records that.
    pub async fn run(self: Arc<Self>, draining: CancellationToken, shutdown: CancellationToken) {
        tokio::join!(
            self.presence.run(draining),
            self.identities.follow(shutdown.clone()),
            self.limits.maintain(shutdown.clone()),
            self.join_refusals.write(&self.store, shutdown.clone()),
            self.metrics.follow(&self.writer, &self.identities, shutdown),
        );
    }

    /// The time until the next heartbeat: about a minute, with some spread so that clusters that lost their connections
    /// together do not return in step.
    pub(crate) fn next_update() -> Duration {
        Duration::from_secs(rand::random_range(57..=63))
    }
}
