//! The status port of a unit: health and metrics over plain HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use cli::Failure;
use edge::status_port::{HealthCheck, MetricsText};
use futures_util::future::{BoxFuture, FutureExt as _};
use store::database::Readiness;
use tokio_util::sync::CancellationToken;

use super::{Unit, listen};

/// A unit is ready if it is prepared and its database can do its work.
struct UnitHealth {
    prepared: CancellationToken,
    readiness: Readiness,
}

impl HealthCheck for UnitHealth {
    fn healthy(&self) -> BoxFuture<'_, Result<(), String>> {
        async {
            if !self.prepared.is_cancelled() {
                return Err("the unit is still starting".to_owned());
            }
            self.readiness.check().await.map_err(|error| error.to_string())
        }
        .boxed()
    }
}

impl Unit {
    /// Adds the status port, which shows the metrics registered so far: add it last. Returns the address that it
    /// listens on.
    pub(super) async fn add_status(&mut self, address: SocketAddr) -> Result<SocketAddr, Failure> {
        let listener = listen(address).await?;
        let bound = listener.local_addr().map_err(Failure::other)?;
        let registry = std::mem::take(&mut self.registry);
        let metrics: MetricsText = Arc::new(move || {
            let mut text = String::new();
            // Writing to a String cannot fail.
            let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
            text
        });
        let checks: Arc<dyn HealthCheck> = Arc::new(UnitHealth {
            prepared: self.phases.prepared.clone(),
            readiness: Readiness::new(self.store.clone()),
        });
        let server = edge::status_port::serve(listener, checks, metrics, self.phases.ended.clone());
        self.background.push(server.boxed());
        Ok(bound)
    }
}
