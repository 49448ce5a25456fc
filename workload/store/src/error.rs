//! What can go wrong between us and the database, sorted by what the caller can do about it.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is starting or stopping, or has no time for us: come back later.
    #[error("the database is not available: {}", said_by_any(&**.0))]
    Unavailable(#[source] BoxError),
    /// What was to be stored does not fit its column. The fault lies in the data.
    #[error("the database refused the data: {}", said(.0))]
    Data(#[source] tokio_postgres::Error),
    /// The database answered with something else: a bug of ours, or a schema that somebody changed.
    #[error("the database answered with an error: {}", said(.0))]
    Database(#[source] tokio_postgres::Error),
    /// A stored value cannot be understood.
    #[error("{table}.{column} holds a value that cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with the value; never the value itself.
        problem: String,
    },
    /// The schema is not what this program needs, and it cannot be brought there.
    #[error("{0}")]
    Schema(String),
}

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Whether trying again later may help.
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
            // Without an SQLSTATE the server did not answer: it is the connection, unless a value could not be
            // converted on our side.
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
                // Whatever keeps a connection from being made, wrong passwords included, is seen from outside as
                // a database that is not there.
                Self::Unavailable(error) => Self::Unavailable(error),
                Self::Data(error) | Self::Database(error) => Self::Unavailable(Box::new(error)),
                other => other,
            },
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// Whether the transaction lost a race and would succeed if tried again.
pub(crate) fn is_worth_retrying(error: &StoreError) -> bool {
    let (StoreError::Data(error) | StoreError::Database(error)) = error else { return false };
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// What the server said, with its code. Its detail is left out: it may quote values.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => format!("{} ({})", answer.message(), answer.code().code()),
        None => with_sources(error),
    }
}

fn said_by_any(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    error.downcast_ref::<tokio_postgres::Error>().map_or_else(|| with_sources(error), said)
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
