//! Who may do what: actors, roles, service accounts and join tokens.

pub mod actor;
pub mod role;
pub mod service_account;
pub mod token;
