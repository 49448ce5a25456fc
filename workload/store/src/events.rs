//! The audit trail: an event for each change, written in the transaction of the change, and an event for each sign-in,
//! sign-out and refusal.
//!
//! | module | holds |
//! |---|---|
//! | `record` | writing an event |
//! | `security` | events that do not change data |
//! | `list` | reading events, newest first |
//! | `chain` | what a seal covers, and what can be wrong with a chain |
//! | `seal` | appending events to the chain, by one unit at a time |
//! | `checkpoint`, `retention` | removing old events, and what replaces them in the chain |
//! | `verify` | what the chain proves, and where it is broken |

mod chain;
mod checkpoint;
mod list;
mod record;
mod retention;
mod seal;
mod security;
mod verify;

pub use chain::{ChainFault, Head, InvalidHead};
pub use checkpoint::Checkpoint;
pub(crate) use record::{NewEvent, record};
pub use retention::Removal;
pub use security::SecurityEvent;
pub(crate) use security::record_security;
pub use verify::{ChainPosition, KeySpan, Verification, VerifyOptions};
