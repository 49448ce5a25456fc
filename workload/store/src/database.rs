//! The database itself: how it is reached, what its schema is, and how values in it are encrypted.
//!
//! | module | holds |
//! |---|---|
//! | `options`, `pool`, `error` | how the database is reached, connections and named transactions, errors |
//! | `migrate`, `takeover` | the schema, migrated by the unit that starts first; taking over the existing program's database |
//! | `crypter` | encryption of values that must not be stored in plain text |
//! | `join_token_secret` | the secret of a join token at rest |
//! | `changes` | LISTEN: changes made by other units |
//! | `readiness` | whether the database responds, for health probes |
//! | `local_postgres` | a PostgreSQL server for one machine and for tests |
//! | `testing` | databases for tests (feature `testing`) |

pub(crate) mod changes;
pub(crate) mod crypter;
pub(crate) mod error;
mod join_token_secret;
mod local_postgres;
mod migrate;
pub(crate) mod options;
pub(crate) mod pool;
mod readiness;
mod takeover;
#[cfg(feature = "testing")]
pub mod testing;

pub use changes::{Change, Changes};
pub use crypter::{CryptError, Crypter, KeyId, Place};
pub use error::{BoxError, StoreError};
pub use local_postgres::{Durability, LocalPostgres, LocalPostgresError, create_database};
pub use migrate::Migrated;
pub use options::{CONNECT_TIMEOUT, DatabaseOptions, DatabaseTls, InvalidCa, STATEMENT_TIMEOUT};
pub use pool::Store;
pub use readiness::Readiness;
pub use takeover::TakenOver;
