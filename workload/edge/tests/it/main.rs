//! The edge over real sockets, with real TLS clients.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of it is tests")]

mod aging;
mod cutting;
mod draining;
mod exchange;
mod h2;
mod handshake;
mod harness;
mod places;
mod proxying;
mod routes;
mod short_memory;
mod shortage;
mod standards;
mod status_port;
mod unread;
