//! The management API of a unit.

use std::net::SocketAddr;
use std::sync::Arc;

use cli::Failure;
use edge::tls::{ClientCertificates, server_config};
use edge::{Server, ServerIdentity};
use futures_util::future::FutureExt as _;
use management::Management;
use settings::{Source, typed};

use super::{CERTIFICATE_RELOAD_INTERVAL, Unit, listen};
use crate::setup;

impl Unit {
    /// Adds the management API. Returns the address that it listens on.
    pub(super) async fn add_management(
        &mut self,
        source: &Source,
        address: SocketAddr,
    ) -> Result<SocketAddr, Failure> {
        let settings = typed::Management::from(source)?;
        let identity: Arc<ServerIdentity> = setup::management_identity(&settings)?;
        let reload = identity.clone().watch(CERTIFICATE_RELOAD_INTERVAL, self.phases.ended.clone());
        self.background.push(reload.boxed());
        let tls = server_config(identity.clone(), ClientCertificates::NotRequested, &[b"h2", b"http/1.1"]);
        let listener = listen(address).await?;
        let bound = listener.local_addr().map_err(Failure::other)?;
        tracing::info!(address = %bound, "management API listening");
        let options = setup::management_options(source, settings, identity)?;
        let management = Management::new(self.store.clone(), options);
        let server = Server {
            name: "management-api",
            listener,
            tls,
            proxy: self.proxy.clone(),
            limits: self.limits,
            close_after_response: false,
            has_large_responses: true,
            memory: self.memory.clone(),
            metrics: self.metrics.clone(),
        };
        self.servers.push(edge::serve(server, management.routes(), self.phases.draining.clone()).boxed());
        self.background.push(management.run(self.phases.ended.clone()).boxed());
        Ok(bound)
    }
}
