//! Databases for tests: one temporary PostgreSQL server for each process, one new database for each test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use secrecy::SecretSlice;

use crate::database::local_postgres::{Durability, LocalPostgres, create_database, query};
use crate::database::migrate::MIGRATION_LOCK;
use crate::database::session::Connector;
use crate::{Crypter, DatabaseOptions, Store, StoreError};

/// Creates an empty database.
pub async fn empty_database() -> Result<DatabaseOptions, StoreError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let postgres = shared_postgres();
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    create_database(&postgres.options("postgres"), &name).await?;
    Ok(postgres.options(&name))
}

/// Creates a database, migrates it and returns a store for it.
pub async fn migrated_store() -> Result<Store, StoreError> {
    let store = store(&empty_database().await?);
    store.migrate().await?;
    Ok(store)
}

/// A store for this database, with the keys that all tests share.
#[expect(clippy::expect_used, reason = "for tests only")]
pub fn store(options: &DatabaseOptions) -> Store {
    let crypter = Crypter::new(&[SecretSlice::from(vec![7; 32])]).expect("32 bytes are a valid key");
    Store::new(options.clone(), crypter).expect("a test database has no CA")
}

/// The same database with a superuser.
#[expect(clippy::expect_used, reason = "for tests only")]
pub fn superuser(options: &DatabaseOptions) -> DatabaseOptions {
    shared_postgres().superuser_options(&options.name).expect("the data are new")
}

/// Runs any SQL, for changes that the store does not offer.
pub async fn execute(options: &DatabaseOptions, sql: &str) -> Result<(), StoreError> {
    query(options, sql).await.map(|_| ())
}

/// Runs a query and returns the first column of each row, as text.
pub async fn texts(options: &DatabaseOptions, sql: &str) -> Result<Vec<String>, StoreError> {
    query(options, sql).await
}

/// A session that holds the lock of migrations, as a unit that migrates does, until it is dropped.
pub async fn hold_migration_lock(options: &DatabaseOptions) -> Result<impl Send + use<>, StoreError> {
    let connector = Connector::new(Arc::new(options.clone()))
        .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    let (client, _) = connector.open().await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    Ok(client)
}

#[expect(clippy::expect_used, reason = "for tests only")]
fn shared_postgres() -> &'static LocalPostgres {
    static POSTGRES: OnceLock<LocalPostgres> = OnceLock::new();
    POSTGRES.get_or_init(|| {
        LocalPostgres::start(&scratch_folder("postgres"), None, Durability::None)
            .expect("a PostgreSQL server can be started for the tests")
    })
}

/// A folder of this process in the system's temporary folder. Folders of processes that no longer run are removed,
/// because a test process ends without cleaning up.
pub fn scratch_folder(purpose: &str) -> PathBuf {
    const PREFIX: &str = "cluster-manager-test-";
    let temporary = std::env::temp_dir();
    for entry in std::fs::read_dir(&temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if process.is_some_and(|process| !PathBuf::from(format!("/proc/{process}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    temporary.join(format!("{PREFIX}{}-{purpose}", std::process::id()))
}
