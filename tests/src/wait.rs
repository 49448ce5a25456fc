//! Waiting for what another program does, where it tells nobody when it is done.

use std::time::{Duration, Instant};

/// Looks again and again until it is so; panics with `what` when it takes longer than `limit`.
pub async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !is_so().await {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        ticks.tick().await;
    }
}
