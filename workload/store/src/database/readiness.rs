//! Whether the database responds, checked at most once a second for all callers.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::{Store, StoreError};

/// How long the result of a successful check is reused.
const REUSE_SUCCESS_FOR: Duration = Duration::from_secs(1);

/// A readiness check that many load balancers can call often and concurrently.
pub struct Readiness {
    store: Store,
    succeeded_at: Mutex<Option<Instant>>,
}

impl Readiness {
    /// A check of this store's database.
    pub fn new(store: Store) -> Self {
        Self { store, succeeded_at: Mutex::new(None) }
    }

    /// Succeeds if the database responds, or did within the last second.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut succeeded_at = self.succeeded_at.lock().await;
        if succeeded_at.is_some_and(|at| at.elapsed() < REUSE_SUCCESS_FOR) {
            return Ok(());
        }
        *succeeded_at = None;
        self.store.ping().await?;
        *succeeded_at = Some(Instant::now());
        Ok(())
    }
}
