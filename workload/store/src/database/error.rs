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
            _ if *state == SqlState::LOCK_NOT_AVAILABLE => Self::Unavailable(Box::new(error)),
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
