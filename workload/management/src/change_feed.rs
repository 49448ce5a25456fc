//! Changes of the fleet, followed once for the whole unit: one connection listens to the database and serves every open
//! stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edge::Error;
use fleet::{Actor, ClusterUid};
use store::database::{Change, Changes};
use store::{Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// How many streams a unit keeps open.
const MAX_STREAMS: usize = 1000;
/// How many streams one person or program can keep open.
const MAX_STREAMS_PER_ACTOR: usize = 20;
/// How many updates a stream may lag behind before it gets a resync instead.
const MAX_LAG: usize = 1024;
/// how often streams learn which clusters reported. There can be hundreds of heartbeats a second.
const REPORTS_INTERVAL: Duration = Duration::from_secs(2);
/// How many clusters one update lists. If more reported, it lists none.
const MAX_LISTED_CLUSTERS: usize = 200;
/// When an actor with too many open streams may try again.
const STREAM_RETRY_AFTER: Duration = Duration::from_secs(30);
/// How long to wait before listening again after the connection was lost.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// An update that every stream receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Update {
    /// One cluster changed.
    Change(Change),
    /// These clusters sent a heartbeat. `None`: too many to list.
    Reported(Option<Arc<[ClusterUid]>>),
    /// Notices may have been missed.
    Resync,
}

/// The unit's subscription to changes.
pub(crate) struct ChangeFeed {
    sender: broadcast::Sender<Update>,
    slots: Arc<Slots>,
}

/// The number of open streams of each actor.
#[derive(Default)]
struct Slots(Mutex<HashMap<Actor, usize>>);

/// A stream's slot, released when it is dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    actor: Actor,
}

impl Slots {
    fn take(self: &Arc<Self>, actor: Actor) -> Result<Slot, Error> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&actor).copied().unwrap_or_default();
        if own >= MAX_STREAMS_PER_ACTOR {
            return Err(Error::TooManyRequests { retry_after: STREAM_RETRY_AFTER });
        }
        if all >= MAX_STREAMS {
            return Err(Error::unavailable("too many streams of changes are open"));
        }
        taken.insert(actor.clone(), own + 1);
        Ok(Slot { slots: Arc::clone(self), actor })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.actor) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.actor);
            }
        }
    }
}

impl ChangeFeed {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(MAX_LAG), slots: Arc::default() }
    }

    /// A new stream's updates from now on, and its slot, which the stream must keep until it ends. Fails if there are too
    /// many streams.
    pub(crate) fn subscribe(&self, actor: Actor) -> Result<(broadcast::Receiver<Update>, Slot), Error> {
        let slot = self.slots.take(actor)?;
        Ok((self.sender.subscribe(), slot))
    }

    /// Listens until shutdown, and reconnects whenever the connection is lost.
    pub(crate) async fn run(&self, store: &Store, shutdown: CancellationToken) {
        let listening = async {
            loop {
                match store.listen().await {
                    Ok(changes) => {
                        self.send(Update::Resync);
                        self.forward(store, changes).await;
                        tracing::debug!("lost the connection that listens for changes");
                    }
                    Err(error) => tracing::debug!(%error, "cannot listen for changes"),
                }
                sleep(RECONNECT_DELAY).await;
            }
        };
        shutdown.run_until_cancelled(listening).await;
    }

    async fn forward(&self, store: &Store, mut changes: Changes) {
        let mut ticks = interval(REPORTS_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reported_until = None;
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(change) => self.send(Update::Change(change)),
                    None => return,
                },
                _ = ticks.tick() => match self.send_reports(store, reported_until).await {
                    Ok(until) => reported_until = until,
                    Err(error) => tracing::debug!(%error, "cannot read which clusters reported"),
                },
            }
        }
    }

    /// Sends which clusters have reported since `reported_until`, and returns the new limit. Reads nothing while there is no
    /// stream.
    async fn send_reports(
        &self,
        store: &Store,
        reported_until: Option<OffsetDateTime>,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        if self.sender.receiver_count() == 0 {
            return Ok(None);
        }
        let Some(reported_until) = reported_until else { return Ok(Some(store.now().await?)) };
        let (now, reported) = store.reported_since(reported_until, MAX_LISTED_CLUSTERS).await?;
        match reported {
            Some(uids) if uids.is_empty() => {}
            uids => self.send(Update::Reported(uids.map(Arc::from))),
        }
        Ok(Some(now))
    }

    fn send(&self, update: Update) {
        // Fails only if there is no stream.
        let _ = self.sender.send(update);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_actor_cannot_take_all_the_streams() {
        let feed = ChangeFeed::new();
        let [loud, other] = ["loud", "other"].map(Actor::command_line);
        let mut taken: Vec<_> =
            (0..MAX_STREAMS_PER_ACTOR).map(|_| feed.subscribe(loud.clone()).unwrap()).collect();
        assert!(matches!(feed.subscribe(loud.clone()), Err(Error::TooManyRequests { .. })));
        assert!(feed.subscribe(other).is_ok());
        taken.pop();
        assert!(feed.subscribe(loud).is_ok(), "the slot is free again when its stream ends");
    }
}
