//! The database itself: how it is reached, what its schema is, and how values in it are encrypted.
//!
//! | module | holds |
//! |---|---|
//! | `options`, `session` | how the database is reached, and what every session sets |
//! | `pool`, `connection`, `error` | connections, named transactions, which connections are used again, errors |
//! | `surroundings` | what a database must be like before it is used |
//! | `migrate`, `takeover` | the schema, migrated by the unit that starts first; taking over the existing program's database |
//! | `crypter` | encryption of values that must not be stored in plain text |
//! | `join_token_secret` | the secret of a join token at rest |
//! | `changes` | LISTEN: changes made by other units |
//! | `readiness` | whether the database can do this program's work, for health probes |
//! | `local_postgres` | a PostgreSQL server for one machine and for tests |
//! | `testing` | databases for tests (feature `testing`) |

pub(crate) mod changes;
pub(crate) mod connection;
pub(crate) mod crypter;
pub(crate) mod error;
mod join_token_secret;
mod local_postgres;
mod migrate;
pub(crate) mod options;
pub(crate) mod pool;
mod readiness;
mod session;
mod surroundings;
mod takeover;
#[cfg(feature = "testing")]
pub mod testing;

pub use changes::{Change, Changes};
pub use crypter::{CryptError, Crypter, KeyId, Place};
pub use error::{BoxError, StoreError};
pub use local_postgres::{Durability, LocalPostgres, LocalPostgresError, create_database};
pub use migrate::Migrated;
pub use options::{CONNECT_TIMEOUT, DatabaseOptions, DatabaseTls, InvalidCa, STATEMENT_TIMEOUT, Server};
pub use pool::Store;
pub use readiness::Readiness;
pub use takeover::TakenOver;
