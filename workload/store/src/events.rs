//! The audit trail: one row a change, written in the change's own transaction, and one a sign-in, sign-out or refusal.
//!
//! | module | holds |
//! |---|---|
//! | `record` | writing a row |
//! | `security` | what is recorded although no data change |
//! | `list` | reading rows, newest first |
//! | `chain` | what exactly is sealed, and what is wrong with a row that does not fit |
//! | `seal` | appending rows to the chain, by one unit at a time |
//! | `checkpoint`, `retention` | removing old rows, and what stands for them |
//! | `verify` | what the chain proves, and where it breaks |

mod chain;
mod checkpoint;
mod list;
mod record;
mod retention;
mod seal;
mod security;
mod verify;

pub use chain::{Broken, Head, InvalidHead};
pub use checkpoint::Checkpoint;
pub use list::{COUNTED_AT_MOST, Event, EventFilter, EventPage};
pub(crate) use record::{NewEvent, record};
pub use retention::Removal;
pub use security::SecurityEvent;
pub(crate) use security::record_security;
pub use verify::{KeySpan, Place, Verification, VerifyOptions};
