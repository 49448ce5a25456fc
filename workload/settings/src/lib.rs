//! Every setting once: name, type, default, meaning (contract section 5).
//!
//! [`table`] is the list that documentation and charm are made from, [`source`] finds a value (flag, environment,
//! `<NAME>_FILE`, `CONFIG_FILE`, default), [`typed`] turns the texts into what the program works with.

pub mod source;
pub mod table;
pub mod typed;

pub use source::{SettingError, Source};
pub use table::{ALL, Setting};
pub use typed::{Connector, Database, Health, Listen, Log, Management, RateLimits};
