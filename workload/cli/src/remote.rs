//! A hub over its API: how to reach it, whom to trust, how to sign in.
//!
//! | module | holds |
//! |---|---|
//! | `address` | a hub's address, validated |
//! | `trust` | TLS: the system's roots, a file of them, or one fingerprint |
//! | `client` | requests and responses, with retries while a hub is busy |
//! | `retry_budget` | how long to wait before a retry; pure |
//! | `session` | the token that is sent: from the environment, or kept by `login` and refreshed |
//! | `credentials` | the file in which `login` keeps it |
//! | `provider` | the parts of the identity provider that a command line needs |
//! | `device_polling` | when to poll the provider for the result of a sign-in; pure |

mod address;
mod client;
mod credentials;
mod device_polling;
mod provider;
mod retry_budget;
mod session;
mod trust;

pub(crate) use address::HubAddress;
pub(crate) use client::{Client, Response};
pub(crate) use credentials::{Credentials, Entry, SignIn};
pub(crate) use provider::{Provider, SignInOptions};
pub(crate) use session::{Session, TOKEN_VARIABLE};
pub(crate) use trust::Trust;
