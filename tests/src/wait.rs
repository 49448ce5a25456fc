//! Waiting for another program, where it does not say when it is done.

use std::time::{Duration, Instant};

/// Checks until the condition is met. Panics with `what` if that takes longer than `limit`.
pub async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !is_so().await {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        ticks.tick().await;
    }
}
