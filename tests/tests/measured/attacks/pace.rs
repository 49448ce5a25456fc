//! The pace of an attack on the sink: that of the attack on the hub before, so that the sink gets as many connections, which
//! last as long, and as many bytes on each.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::wire::Tally;

/// How fast an attacker goes.
#[derive(Debug)]
pub(crate) struct Pace {
    between_connections: Duration,
    next_connection: Mutex<Instant>,
    bytes_each: u64,
}

impl Pace {
    /// The pace of an attack that did this within this time.
    pub(crate) fn of(tally: &Tally, lasted: Duration) -> Self {
        let made = tally.connections.load(Relaxed).max(1);
        Self {
            between_connections: lasted.div_f64(made as f64),
            next_connection: Mutex::new(Instant::now()),
            bytes_each: tally.bytes.load(Relaxed) / made,
        }
    }

    /// Waits until it is time for the next connection.
    pub(crate) async fn next_connection(&self) {
        let turn = {
            let mut next = self.next_connection.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + self.between_connections;
            turn
        };
        sleep_until(turn).await;
    }

    /// How long each of this many tasks kept a connection.
    pub(crate) fn lifetime(&self, tasks: usize) -> Duration {
        self.between_connections.saturating_mul(u32::try_from(tasks).unwrap_or(u32::MAX))
    }

    /// Whether connections carried more bytes than this attacker sent on its own so far.
    pub(crate) fn may_send(&self, tally: &Tally) -> bool {
        tally.bytes.load(Relaxed) <= tally.connections.load(Relaxed) * self.bytes_each
    }
}
