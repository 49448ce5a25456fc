//! The relay from outside: what sinks receive, whatever fails on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod heartbeats;
mod heavy_clusters;
mod kept_on_disk;
mod killed;
mod round_trip;
mod sink;
mod sinks;
mod wire;
