//! What changed, once for the whole unit: one connection listens to the database, every open stream hears of it.

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

/// How many streams a unit keeps open, and how many of them for one person or program.
const MAX_STREAMS: usize = 1000;
const MAX_STREAMS_EACH: usize = 20;
/// How many events a slow reader may be behind before it is told to read everything anew.
const BACKLOG: usize = 1024;
/// How often heartbeats are told of: not one by one, there are hundreds a second.
const REPORTS_EVERY: Duration = Duration::from_secs(2);
/// How many clusters are named at once; of more, it is only said that many reported.
const MAX_NAMED: usize = 200;
/// When somebody may come back who has too many streams open.
const STREAM_RETRY: Duration = Duration::from_secs(30);
/// How soon to listen again after the connection was lost.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// What a stream is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// One cluster changed.
    Change(Change),
    /// These clusters sent a heartbeat; `None`: too many to name.
    Reported(Option<Arc<[ClusterUid]>>),
    /// Something may have been missed.
    Resync,
}

/// The unit's ear for changes.
pub(crate) struct ChangeFeed {
    sender: broadcast::Sender<Told>,
    places: Arc<Places>,
}

/// Who has how many streams open.
#[derive(Default)]
struct Places(Mutex<HashMap<Actor, usize>>);

/// A stream's place, kept while it lasts.
pub(crate) struct Place {
    places: Arc<Places>,
    actor: Actor,
}

impl Places {
    fn take(self: &Arc<Self>, actor: Actor) -> Result<Place, Error> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&actor).copied().unwrap_or_default();
        if own >= MAX_STREAMS_EACH {
            return Err(Error::TooManyRequests { retry_after: STREAM_RETRY });
        }
        if all >= MAX_STREAMS {
            return Err(Error::unavailable("too many streams of changes are open"));
        }
        taken.insert(actor.clone(), own + 1);
        Ok(Place { places: Arc::clone(self), actor })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        Self { sender: broadcast::Sender::new(BACKLOG), places: Arc::default() }
    }

    /// A stream's share of what is told from now on, and its place, which it keeps while it lasts.
    pub(crate) fn subscribe(&self, actor: Actor) -> Result<(broadcast::Receiver<Told>, Place), Error> {
        let place = self.places.take(actor)?;
        Ok((self.sender.subscribe(), place))
    }

    /// Listens until shutdown, however often the database goes and comes.
    pub(crate) async fn run(&self, store: &Store, shutdown: CancellationToken) {
        let listening = async {
            loop {
                match store.listen().await {
                    Ok(changes) => {
                        self.tell(Told::Resync);
                        self.forward(store, changes).await;
                        tracing::debug!("the connection that listens for changes was lost");
                    }
                    Err(error) => tracing::debug!(%error, "cannot listen for changes"),
                }
                sleep(RETRY_EVERY).await;
            }
        };
        shutdown.run_until_cancelled(listening).await;
    }

    async fn forward(&self, store: &Store, mut changes: Changes) {
        let mut ticks = interval(REPORTS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told_until = None;
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(change) => self.tell(Told::Change(change)),
                    None => return,
                },
                _ = ticks.tick() => match self.tell_of_reports(store, told_until).await {
                    Ok(until) => told_until = until,
                    Err(error) => tracing::debug!(%error, "cannot see who reported"),
                },
            }
        }
    }

    /// Who reported since the last look. While nobody follows, nobody looks.
    async fn tell_of_reports(
        &self,
        store: &Store,
        told_until: Option<OffsetDateTime>,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        if self.sender.receiver_count() == 0 {
            return Ok(None);
        }
        let Some(told_until) = told_until else { return Ok(Some(store.now().await?)) };
        let (now, reported) = store.reported_since(told_until, MAX_NAMED).await?;
        match reported {
            Some(uids) if uids.is_empty() => {}
            uids => self.tell(Told::Reported(uids.map(Arc::from))),
        }
        Ok(Some(now))
    }

    fn tell(&self, what: Told) {
        // Nobody may be listening; that is no error.
        let _ = self.sender.send(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_the_streams() {
        let feed = ChangeFeed::new();
        let [loud, other] = ["loud", "other"].map(Actor::command_line);
        let mut taken: Vec<_> =
            (0..MAX_STREAMS_EACH).map(|_| feed.subscribe(loud.clone()).unwrap()).collect();
        assert!(matches!(feed.subscribe(loud.clone()), Err(Error::TooManyRequests { .. })));
        assert!(feed.subscribe(other).is_ok());
        taken.pop();
        assert!(feed.subscribe(loud).is_ok(), "a place comes back when its stream ends");
    }
}
