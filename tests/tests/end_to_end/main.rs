//! Hubs from end to end: real programs, a real PostgreSQL that all share, and whatever real software stands beside them.
//!
//! Each test has a hub of its own and runs beside others. What measures time is in `measured`, what drives a browser in
//! `browser.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod access_tokens;
mod audit_trail;
mod command_line;
mod connector;
mod described;
mod expositions;
mod falling_silent;
mod hostile_input;
mod http_standards;
mod image;
mod joining;
mod management_api;
mod metrics;
mod odd_reports;
mod pebble;
mod real_lxd;
mod relay;
mod reporting;
mod roles;
mod secrets;
mod service_accounts;
mod sign_in;
mod starting;
mod traefik;
