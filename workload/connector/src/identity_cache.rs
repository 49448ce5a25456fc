//! Fingerprint → cluster, in memory: one hash probe a heartbeat.
//!
//! The cache follows the database by notifications and reads everything anew after each break and every minute. It
//! may still be a moment behind, and need not be exact: who is not in it is looked up, and a heartbeat of a cluster
//! that is gone finds no row to write.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use fleet::ClusterUid;
use protocol::Fingerprint;
use store::clusters::EnrolledCluster;
use store::database::{Change, Changes};
use store::{Store, StoreError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often everything is read anew, in case a notification was missed.
const RESYNC_EVERY: Duration = Duration::from_secs(60);
/// How soon to listen again after a break.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The enrolled clusters by certificate.
pub struct IdentityCache {
    store: Store,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    by_fingerprint: HashMap<Fingerprint, Arc<EnrolledCluster>>,
    by_uid: HashMap<ClusterUid, Fingerprint>,
}

impl IdentityCache {
    /// An empty cache.
    pub fn new(store: Store) -> Self {
        Self { store, known: RwLock::default() }
    }

    /// Whose certificate this is, as far as the cache knows.
    pub fn get(&self, fingerprint: Fingerprint) -> Option<Arc<EnrolledCluster>> {
        self.read().by_fingerprint.get(&fingerprint).cloned()
    }

    /// Whose certificate this is, by the database: for one that the cache does not know.
    pub async fn look_up(
        &self,
        fingerprint: Fingerprint,
    ) -> Result<Option<Arc<EnrolledCluster>>, StoreError> {
        let found = self.store.enrolled_cluster_by_fingerprint(fingerprint).await?;
        Ok(found.map(|identity| self.write().insert(identity)))
    }

    /// Forgets a cluster that turned out to be gone.
    pub fn forget(&self, uid: ClusterUid) {
        self.write().remove(uid);
    }

    /// How many clusters it knows.
    pub fn len(&self) -> usize {
        self.read().by_fingerprint.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads everything anew.
    pub async fn resync(&self) -> Result<(), StoreError> {
        let mut fresh = Known::default();
        for identity in self.store.enrolled_clusters().await? {
            fresh.insert(identity);
        }
        *self.write() = fresh;
        Ok(())
    }

    /// Follows the database until shutdown.
    pub async fn follow(&self, shutdown: CancellationToken) {
        let mut resynced = Instant::now();
        while !shutdown.is_cancelled() {
            let listening = timeout(RESYNC_EVERY, self.store.listen()).await;
            match listening.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed)))) {
                Ok(mut changes) => {
                    if let Some(Err(error)) =
                        shutdown.run_until_cancelled(self.follow_changes(&mut changes)).await
                    {
                        tracing::warn!(%error, "lost touch with the changes of other units");
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot listen for the changes of other units"),
            }
            // Who cannot listen, because a connection pooler does not allow it for instance, can still look.
            if resynced.elapsed() > RESYNC_EVERY && self.resync().await.is_ok() {
                resynced = Instant::now();
            }
            shutdown.run_until_cancelled(tokio::time::sleep(RETRY_AFTER)).await;
        }
    }

    /// Returns when the connection is lost.
    async fn follow_changes(&self, changes: &mut Changes) -> Result<(), StoreError> {
        // Listening began before this reading, so nothing falls between the two.
        self.resync().await?;
        let mut resync = tokio::time::interval(RESYNC_EVERY);
        resync.reset();
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(change) => self.apply(change).await?,
                    None => return Ok(()),
                },
                _ = resync.tick() => self.resync().await?,
            }
        }
    }

    async fn apply(&self, change: Change) -> Result<(), StoreError> {
        match change {
            Change::Removed(uid) => self.write().remove(uid),
            Change::Joined(uid) | Change::Configured(uid) => {
                let found = self.store.enrolled_cluster_by_uid(uid).await?;
                let mut known = self.write();
                known.remove(uid);
                if let Some(identity) = found {
                    known.insert(identity);
                }
            }
            Change::HealthChanged(_) => {}
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn insert(&mut self, identity: EnrolledCluster) -> Arc<EnrolledCluster> {
        let identity = Arc::new(identity);
        self.by_uid.insert(identity.uid, identity.fingerprint);
        self.by_fingerprint.insert(identity.fingerprint, identity.clone());
        identity
    }

    fn remove(&mut self, uid: ClusterUid) {
        let Some(fingerprint) = self.by_uid.remove(&uid) else { return };
        // The same certificate may by now belong to a cluster that joined anew.
        if self.by_fingerprint.get(&fingerprint).is_some_and(|identity| identity.uid == uid) {
            self.by_fingerprint.remove(&fingerprint);
        }
    }
}
