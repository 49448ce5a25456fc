//! The relay from outside: what sinks receive, whatever happens on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod beats;
mod kept_on_disk;
mod killed;
mod round_trip;
mod sink;
mod sinks;
mod wire;
