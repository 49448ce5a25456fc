//! The edge over real sockets, with real TLS clients.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of it is tests")]

mod cutting;
mod draining;
mod exchange;
mod handshake;
mod harness;
mod proxying;
mod shortage;
mod status_port;
