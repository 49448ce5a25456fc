//! What a unit does before it is ready: migrate the database, pin the connector's certificate, fill the connector.

use std::sync::Arc;
use std::time::Duration;

use cli::Failure;
use connector::Connector;
use protocol::Fingerprint;
use settings::table;
use store::Store;
use store::database::TakenOver;
use store::enrolment::PinError;

use super::Phases;

/// Delay between attempts while the database is not available at start.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The connector's certificate, and the one that it may change to.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    pub(super) shown: Fingerprint,
    pub(super) wanted: Option<Fingerprint>,
}

/// Prepares the unit, then runs the connector's background tasks until shutdown.
pub(super) async fn run(
    store: &Store,
    connector: Option<Arc<Connector>>,
    leaf: Option<Leaf>,
    phases: &Phases,
) -> Result<(), Failure> {
    prepare(store, connector.as_deref(), leaf).await?;
    phases.prepared.cancel();
    let Some(connector) = connector else { return std::future::pending().await };
    // A connector that no longer follows its database or records its presence must stop, not go on with old data.
    match tokio::spawn(connector.run(phases.draining.clone(), phases.ended.clone())).await {
        Ok(()) => Ok(()),
        Err(failed) => Err(Failure::Other(format!("a background task of the connector failed: {failed}"))),
    }
}

/// Prepares the unit, however long it takes until the database is available.
async fn prepare(store: &Store, connector: Option<&Connector>, leaf: Option<Leaf>) -> Result<(), Failure> {
    loop {
        match try_prepare(store, connector, leaf).await {
            Err(PinError::Store(error)) if error.is_unavailable() => {
                tracing::warn!(%error, "waiting for the database");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(PinError::Store(error)) => return Err(error.into()),
            Err(pinned @ PinError::Pinned { presented, .. }) => {
                let setting = table::CLUSTER_CONNECTOR_FINGERPRINT.name;
                return Err(Failure::Conflict(format!(
                    "{pinned}. Restore the old certificate, or confirm the change: set {setting}={presented}"
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
    if let Some(TakenOver { version, clusters, tokens }) = migrated.taken_over {
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
