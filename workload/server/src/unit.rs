//! Running services: listeners, the status port, and a shutdown that finishes what was accepted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use connector::{Connector, CountingSink, MetricsSink};
use edge::status_port::{HealthCheck, MetricsText};
use edge::tls::{ClientCertificates, server_config};
use edge::{EdgeMetrics, Limits, ProxyPolicy, Server, ServerIdentity};
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use management::Management;
use prometheus_client::registry::Registry;
use protocol::Fingerprint;
use settings::{Source, typed};
use store::Store;
use store::connector_identity::PinError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::own_metrics::OwnMetrics;
use crate::relay_sink::RelaySink;
use crate::{relay_setup, setup};

/// How often certificate files are looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(10);
/// How soon to try again while the database is away at start.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Where the services of this process listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addresses {
    /// The connector; not run without.
    pub connector: Option<SocketAddr>,
    /// The management API; not run without.
    pub management: Option<SocketAddr>,
    /// The plain status port; not served without.
    pub status: Option<SocketAddr>,
}

/// The services of this process.
pub struct Unit {
    store: Store,
    proxy: ProxyPolicy,
    metrics: EdgeMetrics,
    registry: Registry,
    /// Told first: accept nothing new, finish what was accepted.
    draining: CancellationToken,
    /// Told when all is finished: what ran beside the endpoints ends.
    ended: CancellationToken,
    /// Told when the database is as this program needs it.
    prepared: CancellationToken,
    servers: Vec<BoxFuture<'static, ()>>,
    beside: Vec<BoxFuture<'static, ()>>,
    connector: Option<Arc<Connector>>,
    leaf: Option<Leaf>,
    relay: Option<Arc<RelaySink>>,
}

/// The connector's certificate, and the one that it may change to.
#[derive(Clone, Copy)]
struct Leaf {
    shown: Fingerprint,
    wanted: Option<Fingerprint>,
}

/// Runs the services until `shutdown`; `ready` is told where they listen.
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
        let mut registry = Registry::default();
        metrics.register(registry.sub_registry_with_prefix("cluster_manager"));
        let mut unit = Self {
            store: setup::store(source)?,
            proxy: ProxyPolicy { trusted: typed::trusted_proxies(source)? },
            metrics,
            registry,
            draining: CancellationToken::new(),
            ended: CancellationToken::new(),
            prepared: CancellationToken::new(),
            servers: Vec::new(),
            beside: Vec::new(),
            connector: None,
            leaf: None,
            relay: None,
        };
        let (store, retention, ended) =
            (unit.store.clone(), typed::event_retention_days(source)?, unit.ended.clone());
        // Seals the audit trail, and removes what is too old of it.
        unit.add_prepared(async move { store.look_after_events(retention, ended).await });
        let own = OwnMetrics::new(unit.store.clone(), setup::health_rules(source)?);
        own.register(&mut unit.registry);
        let ended = unit.ended.clone();
        unit.add_prepared(own.follow(ended));
        Ok(unit)
    }

    async fn add_connector(&mut self, source: &Source, address: SocketAddr) -> Result<SocketAddr, Failure> {
        let settings = typed::Connector::from(source)?;
        let identity = setup::connector_identity(&settings)?;
        let public = setup::connector_address(&settings)?;
        if let Some(problem) = setup::connector_certificate_problem(&identity, &public) {
            tracing::warn!("{problem}");
        }
        let sink: Arc<dyn MetricsSink> = match relay_setup::start(source)? {
            None => Arc::new(CountingSink::default()),
            Some(relay) => {
                relay.counts().register(&mut self.registry);
                let sink = Arc::new(RelaySink::new(relay));
                let health = setup::health_rules(source)?;
                let (store, ended) = (self.store.clone(), self.ended.clone());
                self.add_prepared(sink.clone().report(store.clone(), ended.clone()));
                self.add_prepared(sink.clone().follow(store, health, ended));
                self.relay = Some(sink.clone());
                sink
            }
        };
        let connector = Connector::new(self.store.clone(), setup::connector_options(source, public, sink)?);
        connector.metrics().register(&mut self.registry);
        self.beside.push(identity.clone().watch(RELOAD_EVERY, self.ended.clone()).boxed());
        let tls = server_config(identity.clone(), ClientCertificates::Requested, &[b"http/1.1"]);
        let listener = listen(address).await?;
        let bound = listener.local_addr().map_err(Failure::other)?;
        tracing::info!(address = %bound, fingerprint = %identity.leaf_fingerprint(), "the connector listens");
        let server = self.server("cluster-connector", listener, tls, true);
        self.servers.push(edge::serve(server, connector.routes(), self.draining.clone()).boxed());
        self.connector = Some(connector);
        self.leaf = Some(Leaf { shown: identity.leaf_fingerprint(), wanted: setup::wanted_leaf(source)? });
        Ok(bound)
    }

    async fn add_management(&mut self, source: &Source, address: SocketAddr) -> Result<SocketAddr, Failure> {
        let settings = typed::Management::from(source)?;
        let identity: Arc<ServerIdentity> = setup::management_identity(&settings)?;
        self.beside.push(identity.clone().watch(RELOAD_EVERY, self.ended.clone()).boxed());
        let tls = server_config(identity.clone(), ClientCertificates::NotAsked, &[b"h2", b"http/1.1"]);
        let listener = listen(address).await?;
        let bound = listener.local_addr().map_err(Failure::other)?;
        tracing::info!(address = %bound, "the management API listens");
        let management =
            Management::new(self.store.clone(), setup::management_options(source, settings, identity)?);
        let server = self.server("management-api", listener, tls, false);
        self.servers.push(edge::serve(server, management.routes(), self.draining.clone()).boxed());
        self.beside.push(management.run(self.ended.clone()).boxed());
        Ok(bound)
    }

    /// Runs this beside the services, as soon as the database is as this program needs it.
    fn add_prepared(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let (prepared, ended) = (self.prepared.clone(), self.ended.clone());
        let task = async move {
            if ended.run_until_cancelled(prepared.cancelled()).await.is_some() {
                task.await;
            }
        };
        self.beside.push(task.boxed());
    }

    fn server(
        &self,
        name: &'static str,
        listener: TcpListener,
        tls: Arc<rustls::ServerConfig>,
        close_after_response: bool,
    ) -> Server {
        let (proxy, metrics) = (self.proxy.clone(), self.metrics.clone());
        Server { name, listener, tls, proxy, limits: Limits::default(), close_after_response, metrics }
    }

    async fn add_status(&mut self, address: SocketAddr) -> Result<SocketAddr, Failure> {
        let listener = listen(address).await?;
        let bound = listener.local_addr().map_err(Failure::other)?;
        let registry = std::mem::take(&mut self.registry);
        let metrics: MetricsText = Arc::new(move || {
            let mut text = String::new();
            // Writing to a String cannot fail.
            let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
            text
        });
        let checks: Arc<dyn HealthCheck> = Arc::new(DatabaseHealth(self.store.clone()));
        self.beside.push(edge::status_port::serve(listener, checks, metrics, self.ended.clone()).boxed());
        Ok(bound)
    }

    async fn run(self, shutdown: CancellationToken) -> Result<(), Failure> {
        let Self { store, draining, ended, prepared, servers, beside, connector, leaf, relay, .. } = self;
        let beside = tokio::spawn(join_all(beside.into_iter().map(tokio::spawn)));
        let servers = tokio::spawn(join_all(servers.into_iter().map(tokio::spawn)));
        let outcome = tokio::select! {
            outcome = serve_prepared(&store, connector, leaf, &prepared, &draining, &ended) => outcome,
            () = shutdown.cancelled() => Ok(()),
        };
        tracing::info!("finishing what was accepted");
        draining.cancel();
        let _ = servers.await;
        ended.cancel();
        let _ = beside.await;
        if let Some(relay) = relay {
            relay.shut_down().await;
        }
        outcome
    }
}

/// Makes ready, then runs what must run beside the connector's endpoints, until shutdown.
async fn serve_prepared(
    store: &Store,
    connector: Option<Arc<Connector>>,
    leaf: Option<Leaf>,
    prepared: &CancellationToken,
    draining: &CancellationToken,
    ended: &CancellationToken,
) -> Result<(), Failure> {
    prepare(store, connector.as_deref(), leaf).await?;
    prepared.cancel();
    let Some(connector) = connector else { return std::future::pending().await };
    // A connector that no longer follows its database, or marks its presence, must not go on as if it did.
    match tokio::spawn(connector.run(draining.clone(), ended.clone())).await {
        Ok(()) => Ok(()),
        Err(failed) => Err(Failure::Other(format!("a task beside the connector failed: {failed}"))),
    }
}

/// Brings the schema up to date and makes ready to accept, however long the database takes to come.
async fn prepare(store: &Store, connector: Option<&Connector>, leaf: Option<Leaf>) -> Result<(), Failure> {
    loop {
        match try_prepare(store, connector, leaf).await {
            Err(PinError::Store(error)) if error.is_unavailable() => {
                tracing::warn!(%error, "waiting for the database");
                tokio::time::sleep(RETRY_EVERY).await;
            }
            Err(PinError::Store(error)) => return Err(error.into()),
            Err(pinned @ PinError::Pinned { shown, .. }) => {
                let setting = settings::table::CLUSTER_CONNECTOR_FINGERPRINT.name;
                return Err(Failure::Conflict(format!(
                    "{pinned}. Restore the old certificate; or, if it is to change, set {setting}={shown}"
                )));
            }
            Ok(()) => {
                tracing::info!("ready");
                return Ok(());
            }
        }
    }
}

async fn try_prepare(
    store: &Store,
    connector: Option<&Connector>,
    leaf: Option<Leaf>,
) -> Result<(), PinError> {
    let migrated = store.migrate().await?;
    if let Some(taken_over) = migrated.taken_over {
        let store::takeover::TakenOver { version, clusters, tokens } = taken_over;
        tracing::info!(version, clusters, tokens, "took over a database of microcloud-cluster-manager");
    }
    if let Some(Leaf { shown, wanted }) = leaf {
        store.pin_connector_leaf(shown, wanted).await?;
    }
    if let Some(connector) = connector {
        connector.prepare().await?;
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Other(format!("cannot listen on {address}: {error}")))
}

struct DatabaseHealth(Store);

impl HealthCheck for DatabaseHealth {
    fn healthy(&self) -> BoxFuture<'_, Result<(), String>> {
        async { self.0.ping().await.map_err(|error| error.to_string()) }.boxed()
    }
}
