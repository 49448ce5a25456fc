//! The program `cluster-manager`: wiring only. It reads the settings and starts the services of the other crates.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@unit`] | a running unit: its services, status port and shutdown |
//! | [`setup`], `relay_setup` | settings turned into the services' options |
//! | [`configuration`] | settings as the API shows them |
//! | `serve`, `local`, `relay_explain` | the commands that need the services |
//! | `own_metrics` | the hub's metrics about the database and the clusters |
//! | `open_files` | how many connections the process may have open |
//! | `relay_sink` | the connector's metrics handed to the relay |
//! | [`certificate`] | self-signed certificates for local runs |
//! | [`log`] | logging |

pub mod certificate;
pub mod configuration;
mod local;
pub mod log;
mod open_files;
mod own_metrics;
mod program;
mod relay_explain;
mod relay_setup;
mod relay_sink;
mod serve;
pub mod setup;
pub mod unit;

pub use program::Program;
