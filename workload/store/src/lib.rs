//! PostgreSQL, the product's only state. This crate holds all SQL.
//!
//! | module | holds |
//! |---|---|
//! | [`database`] | connections, named transactions, migrations, encryption at rest, LISTEN, the local PostgreSQL |
//! | [`enrolment`] | join tokens, joining and leaving, the certificate that every enrolled cluster pins |
//! | [`clusters`] | enrolled clusters: lookups, configuration, the fleet in memory, pages of the list, history |
//! | [`heartbeats`] | the batch statement and its writer, the service clock, health transitions |
//! | [`access`] | service accounts; people and their sessions |
//! | [`events`] | the audit trail: one row for each change, sealed in a chain |
//! | [`metrics_sinks`] | the state of the metrics sinks, as each unit reports it |
//! | [`tasks`] | background tasks that one unit runs at a time |
//! | `testing` | databases for tests (feature `testing`) |

pub mod access;
pub mod clusters;
pub mod database;
pub mod enrolment;
pub mod events;
pub mod heartbeats;
pub mod metrics_sinks;
pub mod tasks;

#[cfg(feature = "testing")]
pub use database::testing;
pub use database::{Crypter, DatabaseOptions, DatabaseTls, Store, StoreError};
pub use heartbeats::{HeartbeatWriter, WriteError};
