//! The command line of `cluster-manager`: definitions, commands, output, and the two ways to reach a hub.
//!
//! | module | holds |
//! |---|---|
//! | [`arguments`] | what can be typed; help texts |
//! | `commands` | one file for each command |
//! | `backend` | a hub through its database, or over its API |
//! | `remote` | requests to a hub: address, TLS, sign-in, retries |
//! | `cluster_view`, `event_view` | clusters and the audit trail as text |
//! | [`output`], [`failure`], `prompt` | standard output, standard error, exit codes, questions |
//! | [`setup`] | settings turned into a store and health rules |
//! | [`runtime`], [`private_file`] | what the services share with the commands |
//!
//! The services are not part of this crate. The program that contains them implements [`Services`] and calls [`main`].

pub mod arguments;
mod backend;
mod cluster_view;
mod commands;
mod event_view;
pub mod failure;
pub mod output;
pub mod private_file;
mod prompt;
mod remote;
pub mod runtime;
mod services;
pub mod setup;

pub use commands::main;
pub use failure::Failure;
pub use services::{ConnectorEndpoint, Services};
