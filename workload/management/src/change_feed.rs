//! What changed, once for the whole unit: one connection listens to the database, every open stream hears of it.

use std::sync::Arc;
use std::time::Duration;

use edge::Error;
use fleet::ClusterUid;
use store::changes::{Change, Changes};
use store::{Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// How many streams a unit keeps open.
const MAX_STREAMS: usize = 1000;
/// How many events a slow reader may be behind before it is told to read everything anew.
const BACKLOG: usize = 1024;
/// How often heartbeats are told of: not one by one, there are hundreds a second.
const REPORTS_EVERY: Duration = Duration::from_secs(2);
/// How many clusters are named at once; of more, it is only said that many reported.
const MAX_NAMED: usize = 200;
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
    places: Arc<Semaphore>,
}

impl ChangeFeed {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG), places: Arc::new(Semaphore::new(MAX_STREAMS)) }
    }

    /// A stream's share of what is told from now on, and its place, which it keeps while it lasts.
    pub(crate) fn subscribe(&self) -> Result<(broadcast::Receiver<Told>, OwnedSemaphorePermit), Error> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Error::unavailable("too many streams of changes are open"))?;
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
