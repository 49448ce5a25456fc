//! Something that happens often, and is logged seldom.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two log lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Counts what is not logged.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// Whether to log now: then how often it happened since the last time, this one included.
    pub(crate) fn happened(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.since += 1;
        if state.logged.is_some_and(|at| at.elapsed() < INTERVAL) {
            return None;
        }
        state.logged = Some(Instant::now());
        Some(std::mem::take(&mut state.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn flood_is_logged_once_in_ten_seconds_with_its_number() {
        let seldom = Seldom::default();
        assert_eq!(seldom.happened(), Some(1));
        assert!((0..500).all(|_| seldom.happened().is_none()));
        tokio::time::advance(INTERVAL).await;
        assert_eq!(seldom.happened(), Some(501));
    }
}
