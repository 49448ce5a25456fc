//! Whether the database answers, asked at most once a second however many ask us.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::{Store, StoreError};

/// For how long one look at the database speaks for all who ask.
const FRESH: Duration = Duration::from_secs(1);

/// What load balancers ask for, all the time and many at once.
pub struct Readiness {
    store: Store,
    answered: Mutex<Option<Instant>>,
}

impl Readiness {
    /// Over this store.
    pub fn new(store: Store) -> Self {
        Self { store, answered: Mutex::new(None) }
    }

    /// Whether the database answers, or did a moment ago.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut answered = self.answered.lock().await;
        if answered.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        *answered = None;
        self.store.ping().await?;
        *answered = Some(Instant::now());
        Ok(())
    }
}
