//! What each unit does for the audit trail while it runs: seal, say the head, remove what is too old.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::chain::Head;
use crate::{Store, StoreError};

/// How long a row waits for its seal, about.
const SEAL_EVERY: Duration = Duration::from_secs(2);
/// How often the head is said, if it changed.
const SAY_EVERY: Duration = Duration::from_secs(60);
/// How often old rows are looked for.
const REMOVE_EVERY: Duration = Duration::from_secs(3600);
/// How long the last sealing before the end may take.
const LAST_SEALING: Duration = Duration::from_secs(3);

impl Store {
    /// Looks after the audit trail until shutdown. Rows older than so many days are removed; none are without.
    pub async fn maintain_events(&self, retention_days: Option<i32>, shutdown: CancellationToken) {
        let mut said = None;
        let mut sealing = every(SEAL_EVERY);
        let mut saying = every(SAY_EVERY);
        let mut removing = every(REMOVE_EVERY);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = sealing.tick() => complain("sealed", self.seal_events().await),
                _ = saying.tick() => complain("read", self.say_head(&mut said).await),
                _ = removing.tick() => {
                    if let Some(days) = retention_days {
                        complain("shortened", self.remove_and_say(days).await);
                    }
                }
            }
        }
        let last = async {
            self.seal_events().await?;
            self.say_head(&mut said).await
        };
        // What is left unsealed is the next unit's.
        if let Ok(outcome) = timeout(LAST_SEALING, last).await {
            complain("sealed", outcome);
        }
    }

    /// Says the head where it changed, so that whoever keeps our log elsewhere can prove later what stood here.
    async fn say_head(&self, said: &mut Option<Head>) -> Result<(), StoreError> {
        if let Some(known) = said
            && !self.has_event_head(known).await?
        {
            tracing::error!(
                target: "audit",
                sequence = known.sequence,
                seal = hex::encode(known.seal),
                "the audit trail has lost rows that were sealed: run `cluster-manager event verify`"
            );
        }
        let head = self.event_head().await?;
        if head != Head::START && *said != Some(head) {
            let (sequence, seal) = (head.sequence, hex::encode(head.seal));
            tracing::info!(target: "audit", sequence, seal, "the head of the audit trail");
            *said = Some(head);
        }
        Ok(())
    }

    async fn remove_and_say(&self, days: i32) -> Result<(), StoreError> {
        let removal = self.remove_old_events(days).await?;
        if removal.rows > 0 {
            tracing::info!(target: "audit", rows = removal.rows, days, "old rows of the audit trail were removed");
        }
        if let Some(broken) = removal.broken {
            tracing::error!(target: "audit", %broken, "old rows of the audit trail are kept: it does not hold");
        }
        Ok(())
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A database that is away is no news here.
fn complain<T>(what: &'static str, outcome: Result<T, StoreError>) {
    match outcome {
        Ok(_) => {}
        Err(error) if error.is_unavailable() => {
            tracing::debug!(%error, "the audit trail could not be {what}");
        }
        Err(error) => tracing::warn!(target: "audit", %error, "the audit trail could not be {what}"),
    }
}
