//! The audit trail: one row a change, written in the change's own transaction, and one a sign-in, sign-out or refusal.
//!
//! | module | holds |
//! |---|---|
//! | `record` | writing a row |
//! | `security` | what is recorded although no data change |

mod record;
mod security;

pub(crate) use record::{NewEvent, record};
pub use security::SecurityEvent;
