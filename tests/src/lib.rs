//! The harness of the end-to-end tests and the benchmarks: hubs of one or several units over a real PostgreSQL, the
//! real programs as processes, a real LXD.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot start fails")]

pub mod awake;
pub mod balancer;
mod bare_handshakes;
pub mod browser;
pub mod database_gate;
pub mod hub;
pub mod lxd;
pub mod management;
pub mod pebble;
pub mod playwright;
pub mod populated;
pub mod process;
pub mod programs;
pub mod prometheus;
pub mod provider;
pub mod raw_https;
pub mod simulated;
pub mod sink_gate;
pub mod stand_in_provider;
pub mod traefik;
pub mod victoria;
pub mod wait;

pub use awake::Awake;
pub use balancer::Balancer;
pub use browser::Browser;
pub use database_gate::DatabaseGate;
pub use hub::Hub;
pub use management::{Api, ManagementUnit};
pub use pebble::Pebble;
pub use playwright::Playwright;
pub use process::Program;
pub use prometheus::Prometheus;
pub use provider::IdentityProvider;
pub use sink_gate::SinkGate;
pub use stand_in_provider::StandInProvider;
pub use traefik::Traefik;
pub use victoria::VictoriaMetrics;
