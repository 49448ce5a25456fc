//! Seals the events of the audit trail into its chain.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::events::ChainFault;
use store::{Store, StoreError};

use crate::task::Task;

/// The shortest time between two errors about a chain that was tampered with.
const ALARM_INTERVAL: Duration = Duration::from_secs(60);

/// Seals what is not sealed yet.
pub struct Sealing {
    store: Store,
    alarmed: Mutex<Option<Instant>>,
}

impl Sealing {
    /// Seals the events of this store.
    pub fn new(store: Store) -> Self {
        Self { store, alarmed: Mutex::new(None) }
    }

    async fn seal(&self) -> Result<(), StoreError> {
        if let Some(fault) = self.store.seal_events().await?.fault {
            self.raise_alarm(&fault);
        }
        Ok(())
    }

    fn raise_alarm(&self, fault: &ChainFault) {
        let mut alarmed = self.alarmed.lock().unwrap_or_else(PoisonError::into_inner);
        if alarmed.is_none_or(|at| at.elapsed() >= ALARM_INTERVAL) {
            *alarmed = Some(Instant::now());
            tracing::error!(
                target: "audit",
                %fault,
                "the audit trail was tampered with; new events are sealed nevertheless: run `cluster-manager event verify`"
            );
        }
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
        self.seal().boxed()
    }
}
