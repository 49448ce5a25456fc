//! Reading an LXD server or cluster into a report.
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | the parts of LXD's answers that are read, and where answers come from |
//! | [`socket`] | answers from the running LXD, over its unix socket and, for other members, over HTTPS |
//! | [`mod@collect`] | a report made from answers |
//! | `members` | what one member has: by its state where LXD tells it, else piece by piece |

pub mod api;
pub mod collect;
mod members;
pub mod socket;

pub use api::{LxdError, Source};
pub use collect::collect;
pub use socket::Lxd;
