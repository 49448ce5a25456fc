//! Turns errors of the store into responses.

use std::time::Duration;

use edge::Error;
use store::{StoreError, WriteError};

/// The `Retry-After` while the database is unavailable. Short, because most outages are restarts.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Turns an error of the store into a response: 503 if the database is unavailable, otherwise 500.
pub(crate) fn from_store(error: StoreError) -> Error {
    if error.is_unavailable() {
        Error::Unavailable { retry_after: RETRY_AFTER, cause: Box::new(error) }
    } else {
        Error::internal(error)
    }
}

/// Turns the reason why a heartbeat was not stored into a response.
pub(crate) fn from_write(error: WriteError) -> Error {
    match error {
        WriteError::NoSuchCluster => Error::Forbidden,
        WriteError::Refused(cause) if matches!(*cause, StoreError::Data(_)) => {
            Error::BadRequest("the heartbeat contains a value that cannot be stored".to_owned())
        }
        WriteError::Refused(cause) => Error::internal(cause.to_string()),
        WriteError::Unavailable(_) | WriteError::Stopped => {
            Error::Unavailable { retry_after: RETRY_AFTER, cause: Box::new(error) }
        }
    }
}
