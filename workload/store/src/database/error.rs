//! Errors of the store, by what the caller can do about them.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is starting or stopping, or is overloaded. Retry later.
    #[error("the database is not available: {}", describe_any(&**.0))]
    Unavailable(#[source] BoxError),
    /// A value does not fit its column, or violates a constraint. The fault is in the data.
    #[error("the database refused the data: {}", describe(.0))]
    Data(#[source] tokio_postgres::Error),
    /// Any other error of the database: a bug of this program, or a schema that was changed by hand.
    #[error("the database returned an error: {}", describe(.0))]
    Database(#[source] tokio_postgres::Error),
    /// A stored value cannot be read.
    #[error("{table}.{column} holds a value that cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with the value. Never contains the value.
        problem: String,
    },
    /// The schema is not the one that this program needs, and cannot be migrated to it.
    #[error("{0}")]
    Schema(String),
}

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Whether a retry may succeed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the connection that the error came over, and those as old, must not be used again. That is so unless the
    /// error is about the statement, its data, or competition with others.
    pub(crate) fn spoils_connection(&self) -> bool {
        match self {
            Self::Unavailable(error) if error.is::<tokio::time::error::Elapsed>() => true,
            _ => self.postgres_error().is_some_and(spoils_connection),
        }
    }

    fn postgres_error(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Self::Data(error) | Self::Database(error) => Some(error),
            Self::Unavailable(error) => error.downcast_ref(),
            Self::Corrupt { .. } | Self::Schema(_) => None,
        }
    }

    /// The same error, but not one to wait for if it says that something of the schema is missing or forbidden.
    pub(crate) fn without_waiting_for_the_schema(self) -> Self {
        match self {
            Self::Unavailable(error) => match error.downcast::<tokio_postgres::Error>() {
                Ok(error) if error.code().is_some_and(|state| state.code().starts_with("42")) => {
                    Self::Database(*error)
                }
                Ok(error) => Self::Unavailable(error),
                Err(error) => Self::Unavailable(error),
            },
            other => other,
        }
    }

    pub(crate) fn corrupt(table: &'static str, column: &'static str, problem: impl ToString) -> Self {
        Self::Corrupt { table, column, problem: problem.to_string() }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // Without an SQLSTATE the error is not from the server: the connection failed, or the client could not
            // convert a value.
            return if error.is_closed() || has_io_source(&error) {
                Self::Unavailable(Box::new(error))
            } else {
                Self::Database(error)
            };
        };
        match &state.code()[..2] {
            // Connection, insufficient resources, operator intervention (shutdown, timeouts), read-only standby.
            "08" | "53" | "57" | "25" => Self::Unavailable(Box::new(error)),
            _ if is_temporary(state) => Self::Unavailable(Box::new(error)),
            // Cardinality and data exceptions, constraint violations, and limits such as the size of an index row.
            "21" | "22" | "23" | "54" => Self::Data(error),
            _ => Self::Database(error),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match Self::from(error) {
                // Anything that prevents a connection, including a wrong password, means that the database is not
                // available.
                Self::Unavailable(error) => Self::Unavailable(error),
                Self::Data(error) | Self::Database(error) => Self::Unavailable(Box::new(error)),
                other => other,
            },
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// States outside of the classes above that end without a change of this program: another holder gives up a lock, a
/// connection with fitting statements takes the place of this one, a migration or a restore brings our tables.
fn is_temporary(state: &SqlState) -> bool {
    [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::INVALID_SCHEMA_NAME,
    ]
    .contains(state)
}

/// See [`StoreError::spoils_connection`].
fn spoils_connection(error: &tokio_postgres::Error) -> bool {
    let Some(state) = error.code() else { return error.is_closed() || has_io_source(error) };
    let keeps = match &state.code()[..2] {
        // Data, constraints, conflicts, resources, limits, locks, exceptions of our own SQL.
        "21" | "22" | "23" | "40" | "53" | "54" | "55" | "P0" => true,
        // Errors in a statement, but not those that another session may not have.
        "42" => !is_temporary(state),
        _ => *state == SqlState::QUERY_CANCELED,
    };
    !keeps
}

/// Whether the transaction conflicted with another one and may succeed if it is run again.
pub(crate) fn is_conflict(error: &StoreError) -> bool {
    let (StoreError::Data(error) | StoreError::Database(error)) = error else { return false };
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// Whether the server cancelled the statement because it took too long, or waited too long for a lock. Of several rows,
/// one may be to blame.
pub(crate) fn is_timeout(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    let code = cause.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    matches!(code, Some(&SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE))
}

/// Whether the statement or transaction was refused before it did anything and may succeed if it is run again: it
/// conflicted with another one, or this connection cannot run it, and another one can.
pub(crate) fn may_run_again(error: &StoreError) -> bool {
    let Some(state) = error.postgres_error().and_then(tokio_postgres::Error::code) else { return false };
    is_conflict(error)
        || [
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::FEATURE_NOT_SUPPORTED,
            SqlState::INVALID_SQL_STATEMENT_NAME,
            SqlState::DUPLICATE_PSTATEMENT,
        ]
        .contains(state)
}

/// The server's message and code. Its detail is left out, because it may quote values.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => with_sources(error),
    }
}

fn describe_any(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    error.downcast_ref::<tokio_postgres::Error>().map_or_else(|| with_sources(error), describe)
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn has_io_source(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}
