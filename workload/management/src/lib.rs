//! The management API, which people and programs call (contract section 2).
//!
//! | module | holds |
//! |---|---|
//! | `endpoints` | the handlers, one file for each family of endpoints |
//! | [`http`] | routes, dispatch, limits, delivery |
//! | [`management`] | what all endpoints share, and the background tasks |
//! | `change_feed` | changes of the fleet, followed once for the whole unit |
//! | `testing` | requests of a caller with a role, without a network (feature `testing`) |

#![allow(clippy::unused_async, reason = "every handler has the same form, whether or not it waits")]

pub mod http;
pub mod management;
#[cfg(feature = "testing")]
pub mod testing;

mod change_feed;
mod endpoints;

pub use endpoints::description::openapi;
pub use management::{Management, Options};
