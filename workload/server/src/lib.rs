//! The program `cluster-manager`: command line, wiring, signals. What it does stands in the crates that it wires.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`commands`] | one file a command |
//! | `backend`, `remote` | a hub by its database, or over its API |
//! | [`mod@unit`] | running services, with their status port and their shutdown |
//! | [`setup`] | settings turned into a store, rules and limits |
//! | [`certificate`] | self-issued certificates for local runs |
//! | [`output`], [`failure`] | what people and scripts get to see, and the exit code |

mod backend;
pub mod certificate;
pub mod cli;
pub mod commands;
pub mod configuration;
pub mod event_view;
pub mod failure;
pub mod log;
pub mod output;
mod own_metrics;
mod prompt;
mod relay_setup;
mod relay_sink;
pub mod remote;
pub mod setup;
pub mod unit;
pub mod view;
