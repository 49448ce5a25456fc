//! Connections of the pool, and which of them may be used again.
//!
//! A connection that responds is not yet one that can do this program's work: after a failover it may lead to a server
//! that takes no writes, after an upgrade its prepared statements may no longer fit. So an error costs the connection
//! and all that are older, unless it is plainly about the statement, its data, or competition with others. And a
//! connection that has been idle for a moment, or was used often, proves that it takes writes before it is used.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{ClientWrapper, HookError, Metrics, Object, Transaction};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage, Statement};

use crate::StoreError;
use crate::database::options::STATEMENT_TIMEOUT;

/// How long a call on a connection may take. Longer than the server's own limit for a statement: a server that exceeds
/// it hangs, and so does the connection.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(2 + STATEMENT_TIMEOUT.as_secs());
/// How long after its last use a connection must prove again that it takes writes.
const PROVE_AFTER: Duration = Duration::from_secs(1);
/// After how many uses a connection must prove it even if it is never idle.
const PROVE_EVERY: usize = 64;
/// How long a connection may take to prove it.
const PROOF_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a unit counts as failing after heartbeats failed, if none come that succeed.
const FAILURE_LASTS: Duration = Duration::from_secs(5);

/// What is known about the pool's connections as a whole.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// Connections made before this are not used again.
    distrusted_at: Mutex<Option<Instant>>,
    failures: AtomicU64,
    /// When heartbeats last could not be stored, unless some were stored since.
    heartbeats_failed_at: Mutex<Option<Instant>>,
}

impl Trust {
    /// From now on, no connection that exists is used again.
    fn distrust(&self) {
        *lock(&self.distrusted_at) = Some(Instant::now());
        self.note_failure();
    }

    /// Notes that the database could not do something.
    pub(crate) fn note_failure(&self) {
        self.failures.fetch_add(1, Ordering::Release);
    }

    /// How often the database could not do something.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Acquire)
    }

    fn is_trusted(&self, created: Instant) -> bool {
        lock(&self.distrusted_at).is_none_or(|at| created > at)
    }

    /// Notes what an error says about the connection that it came over, and about the database.
    pub(crate) fn note(&self, error: &StoreError) {
        if error.spoils_connection() {
            self.distrust();
        } else if error.is_unavailable() {
            self.note_failure();
        }
    }

    /// Notes whether the last heartbeats failed because of the database.
    pub(crate) fn note_heartbeats(&self, have_failed: bool) {
        *lock(&self.heartbeats_failed_at) = have_failed.then(Instant::now);
    }

    /// Whether the last heartbeats failed because of the database, a moment ago.
    pub(crate) fn are_heartbeats_failing(&self) -> bool {
        lock(&self.heartbeats_failed_at).is_some_and(|at| at.elapsed() < FAILURE_LASTS)
    }

    /// Decides whether an idle connection may be used again.
    pub(crate) async fn check(&self, client: &Client, metrics: &Metrics) -> Result<(), HookError> {
        if !self.is_trusted(metrics.created) {
            return Err(HookError::message("the connection, or one as old, turned out to be useless"));
        }
        let is_proven =
            metrics.last_used() < PROVE_AFTER && !(metrics.recycle_count + 1).is_multiple_of(PROVE_EVERY);
        if is_proven {
            return Ok(());
        }
        match timeout(PROOF_TIMEOUT, takes_writes(client)).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => {
                self.distrust();
                Err(HookError::message("the server takes no writes"))
            }
            Ok(Err(error)) => Err(HookError::Backend(error)),
            Err(_) => {
                self.distrust();
                Err(HookError::message("the server does not respond"))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the session's server is a primary that was not made read-only.
pub(crate) async fn takes_writes(client: &Client) -> Result<bool, Error> {
    let messages = client.simple_query("-- takes_writes()\nSHOW transaction_read_only").await?;
    Ok(messages.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some("off"),
        _ => false,
    }))
}

/// A connection of the pool. Its calls end within [`CALL_TIMEOUT`], and their errors decide whether it is used again.
pub(crate) struct Connection {
    object: Object,
    trust: Arc<Trust>,
}

type Parameters<'a> = [&'a (dyn ToSql + Sync)];

impl Connection {
    pub(crate) fn new(object: Object, trust: Arc<Trust>) -> Self {
        Self { object, trust }
    }

    /// Notes an error of a transaction on this connection.
    pub(crate) fn noting<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        outcome.inspect_err(|error| self.trust.note(error))
    }

    pub(crate) async fn query<S>(
        &self,
        statement: &S,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, StoreError>
    where
        S: ?Sized + tokio_postgres::ToStatement + Sync,
    {
        self.bounded(self.object.query(statement, parameters)).await
    }

    pub(crate) async fn query_one<S>(
        &self,
        statement: &S,
        parameters: &Parameters<'_>,
    ) -> Result<Row, StoreError>
    where
        S: ?Sized + tokio_postgres::ToStatement + Sync,
    {
        self.bounded(self.object.query_one(statement, parameters)).await
    }

    pub(crate) async fn query_opt<S>(
        &self,
        statement: &S,
        parameters: &Parameters<'_>,
    ) -> Result<Option<Row>, StoreError>
    where
        S: ?Sized + tokio_postgres::ToStatement + Sync,
    {
        self.bounded(self.object.query_opt(statement, parameters)).await
    }

    pub(crate) async fn execute<S>(
        &self,
        statement: &S,
        parameters: &Parameters<'_>,
    ) -> Result<u64, StoreError>
    where
        S: ?Sized + tokio_postgres::ToStatement + Sync,
    {
        self.bounded(self.object.execute(statement, parameters)).await
    }

    pub(crate) async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, StoreError> {
        self.bounded(self.object.simple_query(sql)).await
    }

    pub(crate) async fn prepare_cached(&self, sql: &str) -> Result<Statement, StoreError> {
        self.bounded(self.object.prepare_cached(sql)).await
    }

    /// Begins a transaction, whose errors the caller notes with [`Self::noting`].
    pub(crate) async fn transaction(&mut self) -> Result<Transaction<'_>, StoreError> {
        let (trust, begin) = (&self.trust, self.object.transaction());
        bounded(trust, begin).await
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        bounded(&self.trust, call).await
    }
}

async fn bounded<T>(trust: &Trust, call: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    let outcome = match timeout(CALL_TIMEOUT, call).await {
        Ok(outcome) => outcome.map_err(StoreError::from),
        Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
    };
    outcome.inspect_err(|error| trust.note(error))
}

impl Deref for Connection {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.object
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.object
    }
}
