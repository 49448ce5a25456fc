//! The schema: numbered files, each applied once, by the unit that starts first. See `migrations/README.md`.
//!
//! Every migration must work with the program that is one version older, because both run during an upgrade.

use sha2::{Digest as _, Sha256};
use tokio_postgres::Transaction;

use crate::Store;
use crate::database::error::StoreError;
use crate::database::takeover;
use crate::events::adopt_head;

/// Held during a migration, so that of several units that start together one migrates and the others wait.
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
];

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
        self.transaction("migrate", |tx| {
            Box::pin(async move {
                // Waiting for another unit's migration, or a large takeover, may take longer than any other statement.
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
                            if migration.name == "0014_event_heads" {
                                adopt_head(&tx, &self.crypter).await?;
                            }
                            names.push(migration.name);
                        }
                    }
                }
                Ok(Migrated { applied: names, taken_over })
            })
        })
        .await
    }

    /// Checks that the schema is current, for commands that must not migrate it.
    pub async fn ensure_current(&self) -> Result<(), StoreError> {
        let client = self.client().await?;
        let sql = "-- ensure_current()\nSELECT to_regclass('schema_migrations') IS NOT NULL AS is_present";
        let mut known = 0;
        if client.query_one(sql, &[]).await?.try_get("is_present")? {
            let sql =
                "-- ensure_current()\nSELECT coalesce(max(version), 0) AS version FROM schema_migrations";
            known = client.query_one(sql, &[]).await?.try_get("version")?;
        }
        let needed = MIGRATIONS.last().map_or(0, |migration| migration.version);
        if known >= needed {
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
