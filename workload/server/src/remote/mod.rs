//! A hub over its API: how it is reached, whom to trust, who we are there.
//!
//! | module | holds |
//! |---|---|
//! | `address` | a hub's address, checked |
//! | `trust` | TLS: the system's roots, a file of them, or one fingerprint |
//! | `client` | requests and answers, with patience for a busy hub |
//! | `patience` | how long to wait before asking again; pure |
//! | `session` | the token that is sent: from the environment, or kept by `login` and refreshed |
//! | `credentials` | the file in which `login` keeps it |
//! | `provider` | the identity provider, as far as a command line needs it |
//! | `device` | when to ask the provider whether the sign-in is done; pure |

mod address;
mod client;
mod credentials;
mod device;
mod patience;
mod provider;
mod session;
mod trust;

pub use address::HubAddress;
pub(crate) use client::{Answer, Client};
pub(crate) use credentials::{Credentials, Entry, SignIn};
pub(crate) use provider::{Provider, SignInOptions};
pub(crate) use session::{Session, TOKEN_VARIABLE};
pub(crate) use trust::Trust;
