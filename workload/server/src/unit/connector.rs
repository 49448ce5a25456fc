//! The connector of a unit, with the relay behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use cli::Failure;
use cli::setup::health_rules;
use connector::{Connector, CountingSink, MetricsSink};
use controllers::history::History;
use controllers::transitions::HealthTransitions;
use edge::tls::{ClientCertificates, server_config};
use edge::{Limits, Server};
use futures_util::future::FutureExt as _;
use settings::{Source, typed};

use super::prepare::Leaf;
use super::{CERTIFICATE_RELOAD_INTERVAL, Unit, listen};
use crate::relay_sink::RelaySink;
use crate::{relay_setup, setup};

/// The longest headers of a request to the connector, in bytes: clusters send a few hundred.
const MAX_HEADERS_BYTES: u16 = 16 * 1024;

impl Unit {
    /// Adds the connector. Returns the address that it listens on.
    pub(super) async fn add_connector(
        &mut self,
        source: &Source,
        address: SocketAddr,
    ) -> Result<SocketAddr, Failure> {
        let settings = typed::Connector::from(source)?;
        let identity = setup::connector_identity(&settings)?;
        let public_address = setup::connector_address(&settings)?;
        if let Some(problem) = setup::connector_certificate_problem(&identity, &public_address) {
            tracing::warn!("{problem}");
        }
        let sink = self.metrics_sink(source)?;
        let options = setup::connector_options(source, public_address, sink)?;
        let connector = Connector::new(self.store.clone(), options);
        connector.metrics().register(&mut self.registry);
        let rules = health_rules(source)?;
        self.driver.add(HealthTransitions::new(self.store.clone(), rules));
        self.driver.add(History::new(self.store.clone(), rules));
        let reload = identity.clone().watch(CERTIFICATE_RELOAD_INTERVAL, self.phases.ended.clone());
        self.background.push(reload.boxed());
        let tls = server_config(identity.clone(), ClientCertificates::Requested, &[b"http/1.1"]);
        let listener = listen(address).await?;
        let bound = listener.local_addr().map_err(Failure::other)?;
        tracing::info!(address = %bound, fingerprint = %identity.leaf_fingerprint(), "connector listening");
        let server = Server {
            name: "cluster-connector",
            listener,
            tls,
            proxy: self.proxy.clone(),
            limits: Limits { headers_bytes: MAX_HEADERS_BYTES, ..self.limits },
            close_after_response: true,
            has_large_responses: false,
            memory: self.memory.clone(),
            metrics: self.metrics.clone(),
        };
        self.servers.push(edge::serve(server, connector.routes(), self.phases.draining.clone()).boxed());
        self.connector = Some(connector);
        self.leaf = Some(Leaf { shown: identity.leaf_fingerprint(), wanted: setup::wanted_leaf(source)? });
        Ok(bound)
    }

    /// Returns the relay as the settings have it, or a sink that only counts.
    fn metrics_sink(&mut self, source: &Source) -> Result<Arc<dyn MetricsSink>, Failure> {
        let Some(relay) = relay_setup::start(source)? else { return Ok(Arc::new(CountingSink::default())) };
        relay.counts().register(&mut self.registry);
        let sink = Arc::new(RelaySink::new(relay));
        let (store, ended) = (self.store.clone(), self.phases.ended.clone());
        self.add_prepared(sink.clone().report_states(store.clone(), ended.clone()));
        self.add_prepared(sink.clone().end_lost_clusters(store, health_rules(source)?, ended));
        self.relay = Some(sink.clone());
        Ok(sink)
    }
}
