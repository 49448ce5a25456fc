//! The schema: numbered files, applied once by whichever process comes first.
//!
//! Every change keeps working with the program one version older, since a refresh runs both side by side.

use sha2::{Digest as _, Sha256};
use tokio_postgres::Transaction;

use crate::error::StoreError;
use crate::{Store, takeover};

/// Held for the whole of a migration, so that of several units starting together one works and the rest wait.
const MIGRATION_LOCK: i64 = 0x636d_6d69_6772_6174;

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
            sql: include_str!(concat!("../migrations/", $name, ".sql")),
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
];

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The names of the migrations that were applied now; empty where nothing was to be done.
    pub applied: Vec<&'static str>,
    /// Where a database of the existing program was taken over: its version and what was found.
    pub taken_over: Option<takeover::TakenOver>,
}

impl Store {
    /// Brings the database to the schema that this program needs. Safe to call by many processes at once, and again.
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.transaction("migrate", |tx| {
            Box::pin(async move {
                // Waiting for another unit's migration, or a large takeover, may outlast any ordinary statement.
                tx.batch_execute("-- migrate()\nSET LOCAL statement_timeout = 0").await?;
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
                            names.push(migration.name);
                        }
                    }
                }
                Ok(Migrated { applied: names, taken_over })
            })
        })
        .await
    }
}

impl Store {
    /// Whether the schema is what this program needs; for commands that must not migrate on their own.
    pub async fn ensure_current(&self) -> Result<(), StoreError> {
        let client = self.client().await?;
        let sql = "-- ensure_current()\nSELECT to_regclass('schema_migrations') IS NOT NULL";
        let mut known = 0;
        if client.query_one(sql, &[]).await?.try_get(0)? {
            let sql = "-- ensure_current()\nSELECT coalesce(max(version), 0) FROM schema_migrations";
            known = client.query_one(sql, &[]).await?.try_get(0)?;
        }
        let needed = MIGRATIONS.last().map_or(0, |migration| migration.version);
        if known >= needed {
            return Ok(());
        }
        Err(StoreError::Schema(
            "the database has not been migrated for this program: start the connector or run \
             `cluster-manager migrate`"
                .to_owned(),
        ))
    }
}

async fn applied_versions(tx: &Transaction<'_>) -> Result<Vec<(i32, Vec<u8>)>, StoreError> {
    let exists = tx.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?;
    if !exists.try_get(0)? {
        tx.batch_execute(
            "CREATE TABLE schema_migrations (
                version integer PRIMARY KEY, name text NOT NULL, sha256 bytea NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now())",
        )
        .await?;
    }
    let rows = tx.query("SELECT version, sha256 FROM schema_migrations ORDER BY version", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
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
        "the database was migrated by a program whose migration {} differs from this one's: a migration that was \
         released never changes",
        migration.name
    ))
}
