//! How the store's errors are answered.

use std::time::Duration;

use edge::Error;
use store::StoreError;

/// When to come back after the database was away: soon, since most outages are restarts.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// An error of the store as an answer: away is 503, a value that no column can hold 400, anything else 500.
pub(crate) fn from_store(error: StoreError) -> Error {
    if error.is_unavailable() {
        return Error::Unavailable { retry_after: RETRY_AFTER, cause: Box::new(error) };
    }
    match error {
        StoreError::Data(_) => {
            Error::BadRequest("The request holds a value that cannot be stored".to_owned())
        }
        error => Error::internal(error),
    }
}
