//! Tests that measure time or load: they run one after the other, and best with nothing beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod attacks;
mod disturbed_sinks;
mod failover;
mod outages;
