//! The longest time that a call waits for the database. Clusters have no timeout of their own (contract 1.1): as long as a
//! call has no response, a cluster sends no other heartbeat.

use std::future::Future;
use std::time::Duration;

use edge::Error;
use tokio::time::{Instant, timeout};

use crate::errors::RETRY_AFTER;

/// For heartbeats: long enough for a batch that times out and is halved. Together with the longest time for a body, it is
/// shorter than the server's limit for a request.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// For other calls of clusters.
const CALL: Duration = Duration::from_secs(10);
/// For load balancers, which wait for a few seconds only.
const STATUS: Duration = Duration::from_secs(3);

/// What is left of a call's time for the database. The time in which the call waits for its client does not count.
#[derive(Debug)]
pub(crate) struct Deadline {
    left: Duration,
}

impl Deadline {
    /// For a heartbeat.
    pub(crate) const fn of_heartbeat() -> Self {
        Self { left: HEARTBEAT }
    }

    /// For any other call of a cluster.
    pub(crate) const fn of_call() -> Self {
        Self { left: CALL }
    }

    /// For a check of the readiness.
    pub(crate) const fn of_status() -> Self {
        Self { left: STATUS }
    }

    /// The outcome of this work, or a 503 when the time is up. The work is then dropped.
    pub(crate) async fn within<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let begun = Instant::now();
        let outcome = timeout(self.left, work).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        outcome.map_err(|_| Error::Unavailable {
            retry_after: RETRY_AFTER,
            cause: "the database did not respond in time".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_work_of_a_call_together_has_one_deadline() {
        let (begun, mut deadline) = (Instant::now(), Deadline::of_call());
        assert!(deadline.within(sleep(CALL / 2)).await.is_ok());
        // The client's own time.
        sleep(Duration::from_secs(20)).await;
        let refused = deadline.within(pending::<()>()).await;
        assert!(matches!(refused, Err(Error::Unavailable { retry_after: RETRY_AFTER, .. })));
        assert_eq!(begun.elapsed(), CALL + Duration::from_secs(20));
        assert!(deadline.within(pending::<()>()).await.is_err(), "nothing is left");
        assert!(deadline.within(async {}).await.is_ok(), "what is ready needs no time");
    }
}
