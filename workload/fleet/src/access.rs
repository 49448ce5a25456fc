//! Who may do what: actors, roles, service accounts, sessions and join tokens.

pub mod actor;
pub mod credential;
pub mod role;
pub mod service_account;
pub mod session;
pub mod token;
