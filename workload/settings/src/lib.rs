//! Every setting, defined once: name, form, default, meaning (contract 5).
//!
//! [`table`] is the list, from which the documentation is generated. [`source`] finds a value (flag, environment,
//! `<NAME>_FILE`, `CONFIG_FILE`, default). [`typed`] parses the values.

mod servers;
pub mod source;
pub mod table;
pub mod typed;

pub use servers::DatabaseServer;
pub use source::{SettingError, Source};
pub use table::{ALL, Setting};
pub use typed::{Capacity, Connector, Database, Health, Listen, Log, Management, RateLimits};
