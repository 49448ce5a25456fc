//! Removes events of the audit trail that are older than the setting allows.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::{Store, StoreError};

use crate::task::Task;

/// Removes old events.
pub struct Retention {
    store: Store,
    days: i32,
}

impl Retention {
    /// Removes events older than so many days.
    pub fn new(store: Store, days: i32) -> Self {
        Self { store, days }
    }

    async fn remove(&self) -> Result<(), StoreError> {
        let removal = self.store.remove_old_events(self.days).await?;
        if removal.rows > 0 {
            tracing::info!(target: "audit", events = removal.rows, days = self.days, "removed old events");
        }
        if let Some(broken) = removal.fault {
            tracing::error!(target: "audit", %broken, "keeping old events, because the audit trail cannot be verified");
        }
        Ok(())
    }
}

impl Task for Retention {
    fn name(&self) -> &'static str {
        "event_retention"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.remove().boxed()
    }
}
