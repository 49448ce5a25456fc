//! The connection pool, and named transactions.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts};
use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tokio_postgres::Transaction;

use crate::clusters::fleet_index::FleetIndex;
use crate::database::connection::{CALL_TIMEOUT, Connection, Trust};
use crate::database::error::may_run_again;
use crate::database::options::{CONNECT_TIMEOUT, InvalidCa, STATEMENT_TIMEOUT};
use crate::database::session::Connector;
use crate::{Crypter, DatabaseOptions, StoreError};

/// How often a transaction is run if it keeps conflicting with others.
const MAX_ATTEMPTS: u32 = 5;

/// How long a transaction may take as a whole: several statements, each of which has its own limit.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A pool of connections, the keys for values encrypted at rest, and the fleet index. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: Pool,
    pub(crate) connector: Connector,
    pub(crate) trust: Arc<Trust>,
    /// Whether the database is known to have this program's schema.
    pub(crate) is_prepared: Arc<AtomicBool>,
    pub(crate) crypter: Arc<Crypter>,
    pub(crate) index: Arc<FleetIndex>,
}

impl Store {
    /// A store that connects on first use, so that the process can start without its database.
    pub fn new(options: DatabaseOptions, crypter: Crypter) -> Result<Self, InvalidCa> {
        let options = Arc::new(options);
        let connector = Connector::new(options.clone())?;
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(options.to_config(), connector.clone(), manager_config);
        let trust = Arc::new(Trust::default());
        let checked = trust.clone();
        let pool = Pool::builder(manager)
            .max_size(options.max_open.max(2))
            // The connection used last has its statements prepared and its caches warm.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(STATEMENT_TIMEOUT),
                create: Some(CONNECT_TIMEOUT + connector.head_starts()),
                recycle: Some(CONNECT_TIMEOUT),
            })
            .pre_recycle(Hook::async_fn(move |client, metrics| {
                let trust = checked.clone();
                Box::pin(async move { trust.check(client, metrics).await })
            }))
            .build()
            // The builder fails only if timeouts are set without a runtime.
            .map_err(|error| InvalidCa(error.to_string()))?;
        Ok(Self {
            pool,
            connector,
            trust,
            is_prepared: Arc::default(),
            crypter: Arc::new(crypter),
            index: Arc::default(),
        })
    }

    /// The number of open connections, and how many of them are idle.
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// The maximum number of open connections.
    pub fn max_connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// The encryption keys, which all units share.
    pub fn crypter(&self) -> &Crypter {
        &self.crypter
    }

    pub(crate) async fn client(&self) -> Result<Connection, StoreError> {
        match self.pool.get().await {
            Ok(object) => Ok(Connection::new(object, self.trust.clone())),
            Err(error) => {
                self.trust.note_failure();
                Err(error.into())
            }
        }
    }

    /// Runs a named transaction and commits it. After a conflict (serialization failure, deadlock), and if the connection
    /// turns out to be useless before anything was done, it is run again from the start; any other error rolls it back.
    pub(crate) async fn transaction<'env, T, E, F>(&self, name: &'static str, run: F) -> Result<T, E>
    where
        E: From<StoreError> + AsStoreError,
        F: for<'a> Fn(Tx<'a, 'env>) -> BoxFuture<'a, Result<T, E>>,
    {
        let mut attempts = 1;
        loop {
            let outcome = match timeout(TRANSACTION_TIMEOUT, self.try_transaction(&run)).await {
                Ok(outcome) => outcome,
                Err(elapsed) => {
                    let error = StoreError::Unavailable(Box::new(elapsed));
                    self.trust.note(&error);
                    return Err(error.into());
                }
            };
            match outcome {
                Err(error)
                    if attempts < MAX_ATTEMPTS && error.as_store_error().is_some_and(may_run_again) =>
                {
                    tracing::debug!(
                        transaction = name,
                        attempts,
                        "a transaction conflicted with another one, or had a useless connection; retrying"
                    );
                    attempts += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs a transaction once, without a limit on its time.
    pub(crate) async fn try_transaction<'env, T, E, F>(&self, run: F) -> Result<T, E>
    where
        E: From<StoreError> + AsStoreError,
        F: for<'a> Fn(Tx<'a, 'env>) -> BoxFuture<'a, Result<T, E>>,
    {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // Dropping it without a commit rolls it back.
        let ran = run(Tx { transaction: &transaction, environment: PhantomData }).await;
        let outcome = match ran {
            // A commit waits for synchronous standbys without any limit of the server.
            Ok(value) => match timeout(CALL_TIMEOUT, transaction.commit()).await {
                Ok(committed) => committed.map(|()| value).map_err(|error| StoreError::from(error).into()),
                Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed)).into()),
            },
            Err(error) => Err(error),
        };
        if let Some(error) = outcome.as_ref().err().and_then(AsStoreError::as_store_error) {
            self.trust.note(error);
        }
        outcome
    }
}

/// A running transaction. The second lifetime lets a closure over it borrow from its caller: the bound tells the
/// compiler that `'env` outlives `'a`.
pub(crate) struct Tx<'a, 'env: 'a> {
    transaction: &'a Transaction<'a>,
    environment: PhantomData<&'env ()>,
}

impl<'a> Deref for Tx<'a, '_> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        self.transaction
    }
}

/// Lets [`Store::transaction`] find the database error inside an error of a higher layer.
pub(crate) trait AsStoreError {
    fn as_store_error(&self) -> Option<&StoreError>;
}

impl AsStoreError for StoreError {
    fn as_store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}
