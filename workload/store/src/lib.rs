//! PostgreSQL, the product's only state. All SQL stands in this crate.
//!
//! | module | holds |
//! |---|---|
//! | [`options`], [`pool`], [`error`] | how the database is reached, connections and named transactions, what can go wrong |
//! | [`migrate`], [`takeover`] | the schema, whichever unit starts first; a database of the existing program taken over |
//! | [`crypter`] | encryption of what must not lie in the database in clear |
//! | [`tokens`], [`enrolment`] | join tokens; the one transaction that turns a token into a cluster |
//! | [`clusters`], [`identities`] | enrolled clusters as people see them, and as certificates find them |
//! | [`configuration`], [`events`] | what people change of a cluster; the audit trail of every change |
//! | [`service_accounts`] | programs that call the API, found by the digest of their token |
//! | `fleet_index`, [`fleet_query`] | how every cluster stands, in memory; pages of the list and what it adds up to |
//! | [`history`] | how each cluster was |
//! | [`connector_identity`] | the leaf certificate that every enrolled cluster pins |
//! | [`heartbeats`], [`writer`] | the batch statement, and the task that gathers beats into batches |
//! | [`sessions`] | people who signed in, and their sessions |
//! | [`presence`], [`judge`] | the service clock; transitions of health, recorded by one unit at a time |
//! | [`metrics_sinks`] | how the sinks of metrics stand, as each unit sees them |
//! | [`tasks`] | background tasks that one unit runs at a time |
//! | [`changes`] | LISTEN: what other units changed |
//! | [`readiness`] | whether the database answers, for those who ask all the time |
//! | [`reported`] | who reported lately, for pages that follow the fleet |
//! | [`private`] | a PostgreSQL of one's own, for one machine and for tests |
//! | `testing` | databases for tests (feature `testing`) |

pub mod changes;
pub mod clusters;
pub mod configuration;
pub mod connector_identity;
pub mod crypter;
pub mod enrolment;
pub mod error;
pub mod events;
mod fleet_index;
pub mod fleet_query;
pub mod heartbeats;
pub mod history;
pub mod identities;
pub mod judge;
pub mod metrics_sinks;
pub mod migrate;
pub mod options;
pub mod pool;
pub mod presence;
pub mod private;
pub mod readiness;
pub mod reported;
pub mod service_accounts;
pub mod sessions;
pub mod takeover;
pub mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod writer;

pub use crypter::Crypter;
pub use error::StoreError;
pub use options::{DatabaseOptions, DatabaseTls};
pub use pool::Store;
pub use writer::{HeartbeatWriter, WriteError};
