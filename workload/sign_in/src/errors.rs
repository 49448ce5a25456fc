//! The store's errors as HTTP errors.

use std::time::Duration;

use edge::Error;
use store::StoreError;

/// When to retry while the database is unavailable. Soon, since most outages are restarts.
const DATABASE_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The HTTP error for an error of the store: 503 while the database is unavailable, 400 for a value that no column can
/// hold, otherwise 500.
pub fn from_store(error: StoreError) -> Error {
    if error.is_unavailable() {
        return Error::Unavailable { retry_after: DATABASE_RETRY_AFTER, cause: Box::new(error) };
    }
    match error {
        StoreError::Data(_) => {
            Error::BadRequest("The request holds a value that cannot be stored".to_owned())
        }
        error => Error::internal(error),
    }
}
