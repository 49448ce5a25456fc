//! The program `cluster-manager`: command line, wiring, signals. What it does stands in the crates that it wires.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`commands`] | one file a command |
//! | [`mod@unit`] | running services, with their status port and their shutdown |
//! | [`setup`] | settings turned into a store, rules and limits |
//! | [`certificate`] | self-issued certificates for local runs |
//! | [`output`], [`failure`] | what people and scripts get to see, and the exit code |

pub mod certificate;
pub mod cli;
pub mod commands;
pub mod configuration;
pub mod failure;
pub mod log;
pub mod output;
pub mod setup;
pub mod unit;
pub mod view;
