//! Who may use the management API: service accounts, and people with their sessions.

mod service_accounts;
mod sessions;

pub use service_accounts::{CreateServiceAccountError, NewServiceAccount};
pub use sessions::{NewSession, Person, Session, SessionId, SessionLimits, SessionUpdate};
