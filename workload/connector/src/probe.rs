//! `GET /`: what every call of today's clients begins with, to read the certificate. `GET /1.0/status`: readiness.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use edge::{Error, Response, answer};
use store::Store;
use tokio::sync::Mutex;

use crate::connector::Connector;
use crate::errors::from_store;
use crate::limits::Action;

/// For how long one look at the database speaks for all who ask.
const FRESH: Duration = Duration::from_secs(1);

impl Connector {
    /// Any quick answer will do: only the certificate of the connection is looked at.
    pub(crate) fn probe(&self, address: IpAddr) -> Result<Response, Error> {
        self.limits.check_address(Action::Probe, address)?;
        Ok(answer::routine(answer::success(())))
    }

    /// 200 when heartbeats can be stored, else 503.
    pub(crate) async fn status(&self, address: IpAddr) -> Result<Response, Error> {
        self.limits.check_address(Action::Status, address)?;
        self.ensure_prepared()?;
        self.readiness.check().await?;
        Ok(answer::routine(answer::success(())))
    }
}

/// Whether the database answers, asked at most once a second however many ask us.
pub(crate) struct Readiness {
    store: Store,
    answered: Mutex<Option<Instant>>,
}

impl Readiness {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, answered: Mutex::new(None) }
    }

    pub(crate) async fn check(&self) -> Result<(), Error> {
        let mut answered = self.answered.lock().await;
        if answered.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        *answered = None;
        self.store.ping().await.map_err(from_store)?;
        *answered = Some(Instant::now());
        Ok(())
    }
}
