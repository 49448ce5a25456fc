//! Connections that respond but cannot do our work, and when a unit counts as ready.

use std::time::Duration;

use fleet::Role;
use fleet::service_account::{ServiceAccountName, ServiceToken};
use store::access::NewServiceAccount;
use store::database::{Durability, LocalPostgres, Readiness, Server, create_database};
use store::testing::{empty_database, execute, hold_migration_lock, scratch_folder, store as store_over};
use store::{DatabaseOptions, Store, StoreError};

use crate::support::{enrol, origin};

async fn becomes_ready(readiness: &Readiness) {
    let ready = async {
        while readiness.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ready).await.expect("it becomes ready");
}

async fn becomes_unready(readiness: &Readiness) {
    let unready = async {
        while readiness.check().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), unready).await.expect("it notices");
}

async fn migrated() -> (DatabaseOptions, Store) {
    let options = empty_database().await.unwrap();
    let store = store_over(&options);
    store.migrate().await.unwrap();
    (options, store)
}

/// Makes the sessions that begin from now on read-only, or writable again.
async fn make_read_only(options: &DatabaseOptions, value: &str) {
    let elsewhere = DatabaseOptions { name: "postgres".to_owned(), ..options.clone() };
    let sql = format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", options.name);
    execute(&elsewhere, &sql).await.unwrap();
}

#[tokio::test]
async fn unit_is_not_ready_before_it_has_the_schema() {
    let options = empty_database().await.unwrap();
    let lock = hold_migration_lock(&options).await.unwrap();
    let store = store_over(&options);
    let readiness = Readiness::new(store.clone());
    let migrating = tokio::spawn({
        let store = store.clone();
        async move { store.migrate().await }
    });
    for _ in 0..10 {
        assert!(readiness.check().await.unwrap_err().is_unavailable());
        assert!(store.ensure_prepared().unwrap_err().is_unavailable());
        // What needs a table fails as while the database is away, not as a bug.
        assert!(store.clusters().await.unwrap_err().is_unavailable());
        assert!(!migrating.is_finished());
    }
    drop(lock);
    migrating.await.unwrap().unwrap();
    readiness.check().await.unwrap();
}

#[tokio::test]
async fn unit_is_not_ready_while_its_schema_is_missing_older_or_closed_to_it() {
    let (options, store) = migrated().await;
    let readiness = Readiness::new(store.clone());
    becomes_ready(&readiness).await;
    for (away, back) in [
        (
            "ALTER TABLE schema_migrations RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO schema_migrations",
        ),
        (
            "UPDATE schema_migrations SET version = -version",
            "UPDATE schema_migrations SET version = -version",
        ),
    ] {
        execute(&options, away).await.unwrap();
        becomes_unready(&readiness).await;
        execute(&options, back).await.unwrap();
        becomes_ready(&readiness).await;
    }
}

#[tokio::test]
async fn unit_is_not_ready_while_it_can_read_but_not_write() {
    let (options, store) = migrated().await;
    let readiness = Readiness::new(store.clone());
    becomes_ready(&readiness).await;
    execute(&options, "ALTER TABLE connector_presence RENAME TO elsewhere").await.unwrap();
    assert!(store.service_clock().await.unwrap_err().is_unavailable());
    assert!(readiness.check().await.unwrap_err().is_unavailable(), "a failure ends the reuse of a success");
    execute(&options, "ALTER TABLE elsewhere RENAME TO connector_presence").await.unwrap();
    becomes_ready(&readiness).await;
}

#[tokio::test]
async fn new_connection_to_a_read_only_server_is_not_used() {
    let (options, store) = migrated().await;
    enrol(&store, "a").await;
    make_read_only(&options, "on").await;
    let other = store_over(&options);
    assert!(other.clusters().await.unwrap_err().is_unavailable());
    make_read_only(&options, "off").await;
    enrol(&other, "b").await;
}

#[tokio::test]
async fn statements_prepared_for_columns_that_changed_are_prepared_again() {
    let (options, store) = migrated().await;
    let token = ServiceToken::from_random(&[7; 32]);
    let account = NewServiceAccount {
        name: ServiceAccountName::new("a").unwrap(),
        role: Role::Viewer,
        description: "made by a test".to_owned(),
        expiry: store.now().await.unwrap() + time::Duration::HOUR,
    };
    store.put_service_account(&account, &token, &origin()).await.unwrap();
    store.service_account_by_token(&token).await.unwrap().unwrap();
    let sql = "ALTER TABLE service_accounts ALTER COLUMN description TYPE varchar(300)";
    execute(&options, sql).await.unwrap();
    let first = store.service_account_by_token(&token).await;
    assert!(first.as_ref().err().is_none_or(StoreError::is_unavailable), "{first:?}");
    store.service_account_by_token(&token).await.unwrap().unwrap();
}

/// A primary and a standby that follows it, with a database of this name.
async fn primary_and_standby(purpose: &str) -> (LocalPostgres, LocalPostgres) {
    let primary =
        LocalPostgres::start(&scratch_folder(&format!("{purpose}-1")), None, Durability::None).unwrap();
    create_database(&primary.options("postgres"), "cm").await.unwrap();
    let folder = scratch_folder(&format!("{purpose}-2"));
    primary.copy_to(&folder).unwrap();
    let standby = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    (primary, standby)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_servers_the_one_that_takes_writes_is_used() {
    let (mut primary, standby) = primary_and_standby("servers").await;
    let (first, second) = (primary.options("cm"), standby.options("cm"));
    let closed = Server { host: "127.0.0.1".to_owned(), port: 1 };
    let servers = vec![closed, second.servers[0].clone(), first.servers[0].clone()];
    let store = store_over(&DatabaseOptions { servers, ..first.clone() });
    store.migrate().await.unwrap();
    enrol(&store, "a").await;
    let readiness = Readiness::new(store.clone());
    becomes_ready(&readiness).await;
    let mut listening = store.listen().await.unwrap();

    // The old primary stays, but takes no writes any more.
    let old = primary.superuser_options("cm").unwrap();
    execute(&old, "ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    execute(&old, "SELECT pg_reload_conf()").await.unwrap();
    let lost = async { while listening.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(15), lost).await.expect("the listener notices");
    becomes_unready(&readiness).await;

    execute(&standby.superuser_options("cm").unwrap(), "SELECT pg_promote()").await.unwrap();
    becomes_ready(&readiness).await;
    enrol(&store, "b").await;
    assert_eq!(store.clusters().await.unwrap().1.len(), 2);
    primary.stop();
    enrol(&store, "c").await;
}
