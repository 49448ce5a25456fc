//! What the database must be like before this program uses it, checked at the start.

use crate::database::connection::Connection;
use crate::{Store, StoreError};

/// The oldest version of PostgreSQL that works, as `server_version_num` has it.
const OLDEST_SERVER: i32 = 140_000;
/// How often two sessions are compared to find a pooler that shares sessions between its clients.
const ROUNDS: usize = 3;

impl Store {
    /// Fails with [`StoreError::Schema`] if no waiting makes the database usable: its version, its encoding, a schema for
    /// our tables, and a session for each connection.
    pub(crate) async fn check_surroundings(&self) -> Result<(), StoreError> {
        let (first, second) = (self.client().await?, self.client().await?);
        let sql = "-- check_surroundings()
            SELECT current_setting('server_version_num')::integer AS server_version,
                current_setting('server_version') AS server_version_text,
                current_setting('server_encoding') AS encoding, current_database()::text AS database,
                current_user::text AS role, current_schema()::text AS schema";
        let row = first.query_one(sql, &[]).await?;
        let (database, role): (&str, &str) = (row.try_get("database")?, row.try_get("role")?);
        let problem = if row.try_get::<_, i32>("server_version")? < OLDEST_SERVER {
            let version: &str = row.try_get("server_version_text")?;
            Some(format!("PostgreSQL {version} is too old: use version 14 or newer"))
        } else if row.try_get::<_, &str>("encoding")? != "UTF8" {
            let encoding: &str = row.try_get("encoding")?;
            Some(format!(
                "the database {database:?} has the encoding {encoding}: create a database with the encoding UTF8"
            ))
        } else if row.try_get::<_, Option<&str>>("schema")?.is_none() {
            Some(format!(
                "the search path of the role {role:?} names no schema that exists and that it may use: create one"
            ))
        } else if are_sessions_shared(&first, &second).await? {
            Some(
                "the database is behind a connection pooler that shares sessions (transaction pooling): set the \
                 pooler to session pooling, or connect to PostgreSQL directly"
                    .to_owned(),
            )
        } else {
            None
        };
        problem.map_or(Ok(()), |problem| Err(StoreError::Schema(problem)))
    }
}

/// Whether two open connections ever have the same process of the server, or one of them changes its process. Settings,
/// prepared statements, advisory locks and LISTEN belong to a process, so this program could not rely on them.
async fn are_sessions_shared(first: &Connection, second: &Connection) -> Result<bool, StoreError> {
    let (one, other) = (process(first).await?, process(second).await?);
    for _ in 0..ROUNDS {
        if one == other || process(first).await? != one || process(second).await? != other {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn process(client: &Connection) -> Result<i32, StoreError> {
    // A text without parameters: poolers that share sessions may not know prepared statements.
    let messages = client.simple_query("-- check_surroundings()\nSELECT pg_backend_pid()").await?;
    let found = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    found.ok_or_else(|| StoreError::corrupt("pg_stat_activity", "pid", "not a number"))
}
