//! A running unit: its services, the status port, and a shutdown that finishes the requests in progress.

mod connector;
mod management;
mod prepare;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::connector::Connector;
use cli::Failure;
use cli::setup::{self, health_rules};
use controllers::Driver;
use controllers::audit_head::AuditHead;
use controllers::retention::Retention;
use controllers::sealing::Sealing;
use edge::{EdgeMetrics, Limits, MemoryBudget, ProxyPolicy};
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use prometheus_client::registry::Registry;
use settings::{Source, typed};
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::own_metrics::OwnMetrics;
use crate::relay_sink::RelaySink;
use prepare::Leaf;

/// How often certificate files are checked for changes.
const CERTIFICATE_RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// Where the services of this unit listen. A service without an address does not run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addresses {
    /// The connector.
    pub connector: Option<SocketAddr>,
    /// The management API.
    pub management: Option<SocketAddr>,
    /// Status and metrics over plain HTTP.
    pub status: Option<SocketAddr>,
}

/// The services of this unit.
struct Unit {
    store: Store,
    proxy: ProxyPolicy,
    limits: Limits,
    memory: MemoryBudget,
    metrics: EdgeMetrics,
    registry: Registry,
    phases: Phases,
    driver: Driver,
    servers: Vec<BoxFuture<'static, ()>>,
    background: Vec<BoxFuture<'static, ()>>,
    connector: Option<Arc<Connector>>,
    leaf: Option<Leaf>,
    relay: Option<Arc<RelaySink>>,
}

/// The phases of a unit's life, each a token that is cancelled when the phase begins.
#[derive(Debug, Clone, Default)]
struct Phases {
    /// The database has this program's schema.
    prepared: CancellationToken,
    /// Servers accept nothing new and finish what they accepted.
    draining: CancellationToken,
    /// All requests are finished: background tasks end.
    ended: CancellationToken,
}

impl Phases {
    /// Runs the task once the database has this program's schema, unless the unit ends first.
    async fn when_prepared(self, task: impl Future<Output = ()> + Send) {
        if self.ended.run_until_cancelled(self.prepared.cancelled()).await.is_some() {
            task.await;
        }
    }
}

/// Runs the services until `shutdown` is cancelled. Calls `ready` with the addresses once all services listen.
pub async fn run(
    source: &Source,
    addresses: Addresses,
    shutdown: CancellationToken,
    ready: impl FnOnce(Addresses),
) -> Result<(), Failure> {
    let mut unit = Unit::new(source)?;
    let mut bound = Addresses::default();
    if let Some(address) = addresses.connector {
        bound.connector = Some(unit.add_connector(source, address).await?);
    }
    if let Some(address) = addresses.management {
        bound.management = Some(unit.add_management(source, address).await?);
    }
    if let Some(address) = addresses.status {
        bound.status = Some(unit.add_status(address).await?);
    }
    ready(bound);
    unit.run(shutdown).await
}

impl Unit {
    fn new(source: &Source) -> Result<Self, Failure> {
        let metrics = EdgeMetrics::default();
        let memory = crate::setup::memory_budget(source)?;
        let mut registry = Registry::default();
        let own = registry.sub_registry_with_prefix("cluster_manager");
        metrics.register(own);
        memory.register(own);
        let store = setup::store(source)?;
        let mut unit = Self {
            driver: Driver::new(store.clone()),
            store,
            proxy: ProxyPolicy { trusted: typed::trusted_proxies(source)? },
            limits: crate::setup::connection_limits(source)?,
            memory,
            metrics,
            registry,
            phases: Phases::default(),
            servers: Vec::new(),
            background: Vec::new(),
            connector: None,
            leaf: None,
            relay: None,
        };
        let watch = unit.memory.clone().watch(unit.phases.ended.clone());
        unit.background.push(watch.boxed());
        unit.driver.metrics().register(&mut unit.registry);
        unit.driver.add(Sealing::new(unit.store.clone()));
        unit.driver.add(AuditHead::new(unit.store.clone()));
        if let Some(days) = typed::event_retention_days(source)? {
            unit.driver.add(Retention::new(unit.store.clone(), days));
        }
        let own = OwnMetrics::new(unit.store.clone(), health_rules(source)?);
        own.register(&mut unit.registry);
        let ended = unit.phases.ended.clone();
        unit.add_prepared(own.follow(ended));
        Ok(unit)
    }

    /// Adds a background task that starts when the database has this program's schema.
    fn add_prepared(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.background.push(self.phases.clone().when_prepared(task).boxed());
    }

    async fn run(self, shutdown: CancellationToken) -> Result<(), Failure> {
        let Self { store, phases, driver, servers, mut background, connector, leaf, relay, .. } = self;
        background.push(phases.clone().when_prepared(driver.run(phases.ended.clone())).boxed());
        let background = tokio::spawn(join_all(background.into_iter().map(tokio::spawn)));
        let servers = tokio::spawn(join_all(servers.into_iter().map(tokio::spawn)));
        let outcome = tokio::select! {
            outcome = prepare::run(&store, connector, leaf, &phases) => outcome,
            () = shutdown.cancelled() => Ok(()),
        };
        tracing::info!("finishing the requests in progress");
        phases.draining.cancel();
        let _ = servers.await;
        phases.ended.cancel();
        let _ = background.await;
        if let Some(relay) = relay {
            relay.shut_down().await;
        }
        outcome
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Other(format!("cannot listen on {address}: {error}")))
}
