//! Who may use the management API: service accounts, and people with their sessions.

mod credentials;
mod service_accounts;
mod session_list;
mod sessions;

pub use service_accounts::{CreateServiceAccountError, NewServiceAccount};
pub use session_list::SessionSelection;
pub use sessions::{NewSession, Person, Session, SessionId, SessionLimits, SessionUpdate};
