//! Logs the head of the audit trail, so that an operator who keeps the log elsewhere can later prove what the trail
//! contained.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::events::Head;
use store::{Store, StoreError};

use crate::task::{Scope, Task};

/// Logs the head when it changed, and reports a trail that lost a head which this unit logged.
pub struct AuditHead {
    store: Store,
    logged: Mutex<Option<Head>>,
}

impl AuditHead {
    /// Follows the audit trail of this store.
    pub fn new(store: Store) -> Self {
        Self { store, logged: Mutex::new(None) }
    }

    async fn log_head(&self) -> Result<(), StoreError> {
        let logged = *self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = logged
            && !self.store.has_event_head(&known).await?
        {
            tracing::error!(
                target: "audit",
                sequence = known.sequence,
                seal = hex::encode(known.seal),
                "the audit trail has lost events that were sealed: run `cluster-manager event verify`"
            );
        }
        let (head, fault) = self.store.event_head().await?;
        if let Some(fault) = fault {
            tracing::error!(
                target: "audit",
                %fault,
                "the audit trail was tampered with: run `cluster-manager event verify`"
            );
        }
        if head != Head::START && logged != Some(head) {
            let (sequence, seal) = (head.sequence, hex::encode(head.seal));
            tracing::info!(target: "audit", sequence, seal, "the head of the audit trail");
            *self.logged.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        }
        Ok(())
    }
}

impl Task for AuditHead {
    fn name(&self) -> &'static str {
        "audit_head"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Each unit compares the trail with the heads that it logged itself.
    fn scope(&self) -> Scope {
        Scope::EveryUnit
    }

    fn last_round_limit(&self) -> Option<Duration> {
        Some(Duration::from_secs(3))
    }

    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.log_head().boxed()
    }
}
