//! The service clock (see [`fleet::service_clock`]): every unit that accepts heartbeats says so every few seconds.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fleet::ServiceClock;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;

use crate::{Store, StoreError};

/// How often a unit says that it accepts heartbeats: three times within the grace.
pub const MARK_EVERY: Duration = Duration::from_secs(5);

/// One unit's presence.
pub struct Presence {
    store: Store,
    marked: Mutex<Option<Instant>>,
}

impl Presence {
    /// A unit that has not said anything yet.
    pub fn new(store: Store) -> Self {
        Self { store, marked: Mutex::new(None) }
    }

    /// Says that this unit accepts heartbeats now. A gap since anybody last said so is added to the outages.
    pub async fn mark(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        self.store.mark_presence().await?;
        *self.lock() = Some(began);
        Ok(())
    }

    /// Makes sure that an outage which just ended is accounted for before a heartbeat is stored after it.
    pub async fn ensure_marked(&self) -> Result<(), StoreError> {
        let is_recent = self.lock().is_some_and(|marked| marked.elapsed() < 2 * MARK_EVERY);
        if is_recent { Ok(()) } else { self.mark().await }
    }

    /// Marks until shutdown; failures are logged by whoever needs the database.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(MARK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.mark().await {
                tracing::debug!(%error, "could not mark this unit's presence");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.marked.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Store {
    async fn mark_presence(&self) -> Result<(), StoreError> {
        let sql = "-- mark_presence()
            UPDATE connector_presence SET
                outage_seconds = outage_seconds + CASE
                    WHEN clock_timestamp() - accepting_until > make_interval(secs => $1)
                    THEN extract(epoch FROM clock_timestamp() - accepting_until)::double precision ELSE 0 END,
                accepting_until = greatest(accepting_until, clock_timestamp())";
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await?;
        client.execute(&statement, &[&ServiceClock::GRACE.as_seconds_f64()]).await?;
        Ok(())
    }

    /// The service clock now.
    pub async fn service_clock(&self) -> Result<ServiceClock, StoreError> {
        let sql = "-- service_clock()
            SELECT clock_timestamp(), accepting_until, outage_seconds FROM connector_presence";
        service_clock(&self.client().await?.query_one(sql, &[]).await?)
    }
}

/// The clock from a row's first three columns.
pub(crate) fn service_clock(row: &Row) -> Result<ServiceClock, StoreError> {
    let outage_seconds: f64 = row.try_get(2)?;
    let (now, accepting_until): (OffsetDateTime, OffsetDateTime) = (row.try_get(0)?, row.try_get(1)?);
    Ok(ServiceClock { now, accepting_until, outage_total: time::Duration::seconds_f64(outage_seconds) })
}
