//! Whether the database can do this program's work, checked at most once a second for all callers.
//!
//! A server that responds is not enough: it must have our schema at our version, and take writes. After any failure of
//! the store, a row is written too before the unit counts as ready again.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::database::migrate::NEWEST_VERSION;
use crate::{Store, StoreError};

/// How long the result of a check is reused.
const REUSE_FOR: Duration = Duration::from_secs(1);
/// How long a check may take. Load balancers and probes give up after a few seconds.
const CHECK_TIMEOUT: Duration = Duration::from_millis(2500);

/// A readiness check that many load balancers can call often and concurrently.
pub struct Readiness {
    store: Store,
    last: Mutex<Option<Checked>>,
}

struct Checked {
    at: Instant,
    /// The number of failures of the store when the check began.
    failures: u64,
    /// The problem, if there is one.
    outcome: Result<(), String>,
}

impl Readiness {
    /// A check of this store's database.
    pub fn new(store: Store) -> Self {
        Self { store, last: Mutex::new(None) }
    }

    /// Succeeds if the database can do this program's work, or could within the last second without any failure of the
    /// store since then.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.store.ensure_prepared()?;
        if self.store.trust.are_heartbeats_failing() {
            return Err(StoreError::Unavailable("the last heartbeats could not be stored".into()));
        }
        let mut last = self.last.lock().await;
        let before = self.store.trust.failures();
        let recent = last.as_ref().filter(|checked| checked.at.elapsed() < REUSE_FOR);
        if let Some(checked) = recent
            && (checked.outcome.is_err() || checked.failures == before)
        {
            return checked.outcome.clone().map_err(|problem| StoreError::Unavailable(problem.into()));
        }
        let failed_since = !last.as_ref().is_some_and(|last| last.outcome.is_ok() && last.failures == before);
        let checking = timeout(CHECK_TIMEOUT, self.store.check_usable(failed_since)).await;
        let outcome = checking.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed))));
        // Failures while checking count as later ones, so that the next check is thorough.
        let failures = if outcome.is_ok() { before } else { self.store.trust.failures() };
        let kept = outcome.as_ref().copied().map_err(ToString::to_string);
        *last = Some(Checked { at: Instant::now(), failures, outcome: kept });
        outcome
    }
}

impl Store {
    /// Succeeds once [`Self::migrate`] or [`Self::ensure_current`] has succeeded: the database has this program's
    /// schema. For requests that need it, so that they do not fail for the lack of a table.
    pub fn ensure_prepared(&self) -> Result<(), StoreError> {
        match self.is_prepared.load(Ordering::Acquire) {
            true => Ok(()),
            false => Err(StoreError::Unavailable("the unit is still starting".into())),
        }
    }

    /// Checks that the database responds, takes writes and has a schema that this program can use. If asked to, it
    /// writes a row.
    pub(crate) async fn check_usable(&self, writes: bool) -> Result<(), StoreError> {
        let sql = "-- check_usable()
            SELECT current_setting('transaction_read_only') = 'off' AS takes_writes,
                (SELECT coalesce(max(version), 0) FROM schema_migrations) AS version";
        let client = self.client().await?;
        let row = client.query_one(&client.prepare_cached(sql).await?, &[]).await?;
        if !row.try_get::<_, bool>("takes_writes")? {
            return Err(StoreError::Unavailable("the database takes no writes".into()));
        }
        let version: i32 = row.try_get("version")?;
        if version < NEWEST_VERSION {
            let problem =
                format!("its schema has version {version}, but this program needs {NEWEST_VERSION}");
            return Err(StoreError::Unavailable(problem.into()));
        }
        if writes {
            let sql = "-- check_usable()\nUPDATE connector_presence SET accepting_until = accepting_until";
            client.execute(&client.prepare_cached(sql).await?, &[]).await?;
        }
        Ok(())
    }

    /// Checks that the database responds, for the duration of the simplest query.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client().await?.simple_query("-- ping()\nSELECT 1").await?;
        Ok(())
    }
}
