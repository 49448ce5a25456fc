//! Seals the events of the audit trail into its chain.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::{Store, StoreError};

use crate::task::Task;

/// Seals what is not sealed yet.
pub struct Sealing {
    store: Store,
}

impl Sealing {
    /// Seals the events of this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Task for Sealing {
    fn name(&self) -> &'static str {
        "event_sealing"
    }

    /// About the time that an event waits for its seal.
    fn interval(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn last_round_limit(&self) -> Option<Duration> {
        Some(Duration::from_secs(3))
    }

    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async { self.store.seal_events().await.map(|_| ()) }.boxed()
    }
}
