//! How the store's errors are answered.

use std::time::Duration;

use edge::Error;
use store::{StoreError, WriteError};

/// When to come back after the database was away: soon, since most outages are restarts.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// An error of the store as an answer: away is 503, anything else 500.
pub(crate) fn from_store(error: StoreError) -> Error {
    if error.is_unavailable() {
        Error::Unavailable { retry_after: RETRY_AFTER, cause: Box::new(error) }
    } else {
        Error::internal(error)
    }
}

/// A heartbeat that was not stored, as an answer.
pub(crate) fn from_write(error: WriteError) -> Error {
    match error {
        WriteError::NoSuchCluster => Error::Forbidden,
        WriteError::Refused(cause) if matches!(*cause, StoreError::Data(_)) => {
            Error::BadRequest("the heartbeat holds a value that cannot be stored".to_owned())
        }
        WriteError::Refused(cause) => Error::internal(cause.to_string()),
        WriteError::Unavailable(_) | WriteError::Stopped => {
            Error::Unavailable { retry_after: RETRY_AFTER, cause: Box::new(error) }
        }
    }
}
