//! The schema: numbered files, each applied once, by the unit that starts first. See `migrations/README.md`.
//!
//! Every migration must work with the program that is one version older, because both run during an upgrade.

use std::sync::atomic::Ordering;

use sha2::{Digest as _, Sha256};
use tokio_postgres::Transaction;

use crate::Store;
use crate::database::error::{StoreError, may_run_again};
use crate::database::pool::Tx;
use crate::database::takeover;
use crate::events::adopt_head;

/// Held during a migration, so that of several units that start together one migrates and the others wait.
pub(crate) const MIGRATION_LOCK: i64 = 0x636d_6d69_6772_6174;
/// How often the migration is tried if it conflicts with another transaction.
const MAX_ATTEMPTS: u32 = 5;

struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $name, ".sql")),
        }
    };
}

const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_initial"),
    migration!(2, "0002_liveness"),
    migration!(3, "0003_connector_identity"),
    migration!(4, "0004_events"),
    migration!(5, "0005_fleet_query"),
    migration!(6, "0006_sessions"),
    migration!(7, "0007_service_accounts"),
    migration!(8, "0008_fleet_index"),
    migration!(9, "0009_history"),
    migration!(10, "0010_metrics_sinks"),
    migration!(11, "0011_background_tasks"),
    migration!(12, "0012_heartbeat"),
    migration!(13, "0013_session_list"),
    migration!(14, "0014_event_heads"),
    migration!(15, "0015_database"),
];

/// The version of the schema that this program needs.
pub(crate) const NEWEST_VERSION: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The result of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The names of the migrations that were applied; empty if the schema was current.
    pub applied: Vec<&'static str>,
    /// What was taken over, if the database belonged to the existing program.
    pub taken_over: Option<takeover::TakenOver>,
}

impl Store {
    /// Migrates the database to the schema that this program needs. Several processes may call it at once, and
    /// repeatedly.
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.check_surroundings().await?;
        let mut attempts = 1;
        let migrated = loop {
            let migrated = self.try_transaction(|tx| Box::pin(self.migrate_in(tx))).await;
            match migrated {
                Err(error) if attempts < MAX_ATTEMPTS && may_run_again(&error) => attempts += 1,
                migrated => break migrated,
            }
        };
        let migrated = migrated.map_err(StoreError::without_waiting_for_the_schema)?;
        self.is_prepared.store(true, Ordering::Release);
        Ok(migrated)
    }

    async fn migrate_in(&self, tx: Tx<'_, '_>) -> Result<Migrated, StoreError> {
        // Waiting for another unit's migration, or a large takeover, may take longer than any other statement.
        tx.batch_execute("-- migrate()\nSET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
        tx.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
        let mut applied = applied_versions(&tx).await?;
        let taken_over = match applied.is_empty() {
            true => takeover::take_over(&tx, &self.crypter).await?,
            false => None,
        };
        if taken_over.is_some() {
            record(&tx, &MIGRATIONS[0]).await?;
            applied.push((MIGRATIONS[0].version, checksum(&MIGRATIONS[0])));
        }
        let mut names = Vec::new();
        for migration in MIGRATIONS {
            match applied.iter().find(|(version, _)| *version == migration.version) {
                Some((_, known)) if *known == checksum(migration) => {}
                Some(_) => return Err(changed(migration)),
                None => {
                    tx.batch_execute(migration.sql).await?;
                    record(&tx, migration).await?;
                    if migration.name == "0014_event_heads" {
                        adopt_head(&tx, &self.crypter).await?;
                    }
                    names.push(migration.name);
                }
            }
        }
        Ok(Migrated { applied: names, taken_over })
    }

    /// Checks that the schema is current, for commands that must not migrate it.
    pub async fn ensure_current(&self) -> Result<(), StoreError> {
        self.check_surroundings().await?;
        let client = self.client().await?;
        let sql = "-- ensure_current()\nSELECT to_regclass('schema_migrations') IS NOT NULL AS is_present";
        let mut known = 0;
        if client.query_one(sql, &[]).await?.try_get("is_present")? {
            let sql = "-- ensure_current()\nSELECT coalesce(max(version), 0)::integer AS version FROM schema_migrations";
            known = client.query_one(sql, &[]).await?.try_get("version")?;
        }
        if known >= NEWEST_VERSION {
            self.is_prepared.store(true, Ordering::Release);
            return Ok(());
        }
        Err(StoreError::Schema(
            "the database schema is older than this program: start the connector or run \
             `cluster-manager migrate`"
                .to_owned(),
        ))
    }
}

async fn applied_versions(tx: &Transaction<'_>) -> Result<Vec<(i32, Vec<u8>)>, StoreError> {
    let sql = "SELECT to_regclass('schema_migrations') IS NOT NULL AS is_present";
    if !tx.query_one(sql, &[]).await?.try_get::<_, bool>("is_present")? {
        tx.batch_execute(
            "CREATE TABLE schema_migrations (
                version integer PRIMARY KEY, name text NOT NULL, sha256 bytea NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now())",
        )
        .await?;
    }
    let sql = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'schema_migrations'::regclass
        AND attname = 'sha256') AS is_ours, current_schema()::text AS schema";
    let row = tx.query_one(sql, &[]).await?;
    if !row.try_get::<_, bool>("is_ours")? {
        let schema: &str = row.try_get("schema")?;
        return Err(StoreError::Schema(format!(
            "the table {schema}.schema_migrations belongs to another program: give the hub a schema or a database of \
             its own"
        )));
    }
    let rows = tx.query("SELECT version, sha256 FROM schema_migrations ORDER BY version", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get("version")?, row.try_get("sha256")?))).collect()
}

async fn record(tx: &Transaction<'_>, migration: &Migration) -> Result<(), StoreError> {
    let sql = "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)";
    tx.execute(sql, &[&migration.version, &migration.name, &checksum(migration)]).await?;
    Ok(())
}

fn checksum(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql).to_vec()
}

fn changed(migration: &Migration) -> StoreError {
    StoreError::Schema(format!(
        "the database was migrated with a different version of migration {}: a released migration must never change",
        migration.name
    ))
}
