//! Tests of the store with a real PostgreSQL: they share a server, and each test has its own database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod audit_trail_roles;
mod database_tls;
mod enrolment;
mod event_chain;
mod event_tampering;
mod events;
mod fleet_index;
mod fleet_query;
mod heartbeats;
mod history;
mod large_reports;
mod local_postgres;
mod metrics_sinks;
mod service_accounts;
mod session_list;
mod sessions;
mod support;
mod surroundings;
mod takeover;
mod usefulness;
