//! Reads an LXD server or cluster and makes a report.
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | the types of LXD's responses, and the source that provides them |
//! | [`socket`] | the running LXD as a source: over its Unix socket, and over HTTPS for other members |
//! | [`mod@collect`] | makes a report |
//! | `members` | reads the usage of one member |

pub mod api;
pub mod collect;
mod members;
pub mod socket;

pub use api::{LxdError, Source};
pub use collect::collect;
pub use socket::Lxd;
