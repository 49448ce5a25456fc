//! The service clock (see [`fleet::service_clock`]): every unit that accepts heartbeats marks its presence every few
//! seconds.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fleet::ServiceClock;
use tokio::time::MissedTickBehavior;
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;

use crate::{Store, StoreError};

/// How often a unit marks its presence: three times within the grace of [`ServiceClock`].
pub const MARK_INTERVAL: Duration = Duration::from_secs(5);

/// Reads the service clock; see [`service_clock`].
pub(crate) const SERVICE_CLOCK: &str = "-- service_clock()
    SELECT clock_timestamp() AS now, accepting_until, outage_seconds FROM connector_presence";

/// The presence of one unit.
pub struct Presence {
    store: Store,
    marked_at: Mutex<Option<Instant>>,
}

impl Presence {
    /// A unit that has not marked its presence yet.
    pub fn new(store: Store) -> Self {
        Self { store, marked_at: Mutex::new(None) }
    }

    /// Marks that this unit accepts heartbeats now. A gap since any unit's last mark is added to the outages.
    pub async fn mark(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        self.store.mark_presence().await?;
        *self.lock() = Some(began);
        Ok(())
    }

    /// Makes sure that an outage that just ended is recorded before the next heartbeat is stored.
    pub async fn ensure_marked(&self) -> Result<(), StoreError> {
        let is_recent = self.lock().is_some_and(|marked_at| marked_at.elapsed() < 2 * MARK_INTERVAL);
        if is_recent { Ok(()) } else { self.mark().await }
    }

    /// Marks the presence at each interval until shutdown. Failures are reported by the requests that need the
    /// database.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(MARK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.mark().await {
                tracing::debug!(%error, "cannot record this unit's presence");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.marked_at.lock().unwrap_or_else(PoisonError::into_inner)
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
        service_clock(&self.client().await?.query_one(SERVICE_CLOCK, &[]).await?)
    }
}

/// Reads the columns of [`SERVICE_CLOCK`].
pub(crate) fn service_clock(row: &Row) -> Result<ServiceClock, StoreError> {
    Ok(ServiceClock {
        now: row.try_get("now")?,
        accepting_until: row.try_get("accepting_until")?,
        outage_total: time::Duration::seconds_f64(row.try_get("outage_seconds")?),
    })
}
