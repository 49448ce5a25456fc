//! The connection pool, and named transactions.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use futures_util::future::BoxFuture;
use tokio_postgres::{NoTls, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clusters::fleet_index::FleetIndex;
use crate::database::error::is_conflict;
use crate::database::options::{CONNECT_TIMEOUT, InvalidCa, STATEMENT_TIMEOUT};
use crate::{Crypter, DatabaseOptions, StoreError};

/// How often a transaction is run if it keeps conflicting with others.
const MAX_ATTEMPTS: u32 = 5;

/// A pool of connections, the keys for values encrypted at rest, and the fleet index. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: Pool,
    pub(crate) options: Arc<DatabaseOptions>,
    pub(crate) crypter: Arc<Crypter>,
    pub(crate) index: Arc<FleetIndex>,
}

impl Store {
    /// A store that connects on first use, so that the process can start without its database.
    pub fn new(options: DatabaseOptions, crypter: Crypter) -> Result<Self, InvalidCa> {
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match options.tls_client()? {
            None => Manager::from_config(options.to_config(), NoTls, manager_config),
            Some(tls) => {
                Manager::from_config(options.to_config(), MakeRustlsConnect::new(tls), manager_config)
            }
        };
        let pool = Pool::builder(manager)
            .max_size(options.max_open.max(2))
            // The connection used last has its statements prepared and its caches warm.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(STATEMENT_TIMEOUT),
                create: Some(CONNECT_TIMEOUT),
                recycle: Some(CONNECT_TIMEOUT),
            })
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    // Sent as a statement because connection poolers refuse start-up options. No statement runs long
                    // enough for just-in-time compilation to pay off.
                    let milliseconds = STATEMENT_TIMEOUT.as_millis();
                    let settings = format!(
                        "SET statement_timeout = {milliseconds}; \
                         SET idle_in_transaction_session_timeout = {milliseconds}; SET TIME ZONE 'UTC'; \
                         SET jit = off"
                    );
                    client.batch_execute(&settings).await.map_err(HookError::Backend)
                })
            }))
            .build()
            // The builder fails only if timeouts are set without a runtime.
            .map_err(|error| InvalidCa(error.to_string()))?;
        Ok(Self { pool, options: Arc::new(options), crypter: Arc::new(crypter), index: Arc::default() })
    }

    /// Checks that the database responds.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client().await?.simple_query("-- ping()\nSELECT 1").await?;
        Ok(())
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

    pub(crate) async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// Runs a named transaction and commits it. After a conflict (serialization failure, deadlock) it is run again from
    /// the start; any other error rolls it back.
    pub(crate) async fn transaction<'env, T, E, F>(&self, name: &'static str, run: F) -> Result<T, E>
    where
        E: From<StoreError> + AsStoreError,
        F: for<'a> Fn(Tx<'a, 'env>) -> BoxFuture<'a, Result<T, E>>,
    {
        let mut attempts = 1;
        loop {
            let outcome = self.try_transaction(&run).await;
            match outcome {
                Err(error) if attempts < MAX_ATTEMPTS && error.as_store_error().is_some_and(is_conflict) => {
                    tracing::debug!(
                        transaction = name,
                        attempts,
                        "a a transaction conflicted with another one; retrying"
                    );
                    attempts += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_transaction<'env, T, E, F>(&self, run: &F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(Tx<'a, 'env>) -> BoxFuture<'a, Result<T, E>>,
    {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(StoreError::from)?;
        // Dropping it without a commit rolls it back.
        let value = run(Tx { transaction: &transaction, environment: PhantomData }).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(value)
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
