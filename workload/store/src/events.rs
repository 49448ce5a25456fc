//! The audit trail: an event for each change, written in the transaction of the change, and an event for each sign-in,
//! sign-out and refusal.
//!
//! | module | holds |
//! |---|---|
//! | `record` | writing an event |
//! | `security` | events that do not change data |
//! | `fold` | turning what happens often into one event a minute |
//! | `list` | reading events, newest first |
//! | `chain` | what a seal covers, and what can be wrong with a chain |
//! | `seal` | appending events to the chain, by one unit at a time |
//! | `kept_head` | the last sealed event, stored apart from the events |
//! | `trusted_head` | the event that the next one follows, whatever the tables say |
//! | `checkpoint`, `retention` | removing old events, and what replaces them in the chain |
//! | `verify` | what the chain proves, and where it is broken |

mod chain;
mod checkpoint;
mod fold;
mod kept_head;
mod list;
mod record;
mod retention;
mod seal;
mod security;
mod trusted_head;
mod verify;

pub use chain::{ChainFault, Head, InvalidHead};
pub use checkpoint::Checkpoint;
pub use fold::{Details, Fold, Folded};
pub(crate) use kept_head::adopt as adopt_head;
pub(crate) use record::{NewEvent, record};
pub use retention::Removal;
pub use seal::Sealed;
pub use security::SecurityEvent;
pub(crate) use security::record_security;
pub use verify::{ChainPosition, KeySpan, Verification, VerifyOptions};
