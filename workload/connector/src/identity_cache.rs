//! A cache from fingerprints to clusters: one lookup in a hash table for each heartbeat.
//!
//! The cache follows the database by notifications. It reads everything again after each lost connection and every minute.
//! It may be slightly behind, which does no harm: a certificate that is not in the cache is looked up in the database, and a
//! heartbeat of a removed cluster finds no row to update.

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

/// The interval at which everything is read again, in case a notification was missed.
const RESYNC_INTERVAL: Duration = Duration::from_secs(60);
/// The wait before listening again after a lost connection.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

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

    /// The cluster with this certificate, if it is in the cache.
    pub fn get(&self, fingerprint: Fingerprint) -> Option<Arc<EnrolledCluster>> {
        self.read().by_fingerprint.get(&fingerprint).cloned()
    }

    /// Looks up the cluster with this certificate in the database, and adds it to the cache.
    pub async fn look_up(
        &self,
        fingerprint: Fingerprint,
    ) -> Result<Option<Arc<EnrolledCluster>>, StoreError> {
        let found = self.store.enrolled_cluster_by_fingerprint(fingerprint).await?;
        Ok(found.map(|identity| self.write().insert(identity)))
    }

    /// Removes a cluster that no longer exists.
    pub fn forget(&self, uid: ClusterUid) {
        self.write().remove(uid);
    }

    /// The number of clusters in the cache.
    pub fn len(&self) -> usize {
        self.read().by_fingerprint.len()
    }

    /// Whether the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads all clusters from the database.
    pub async fn resync(&self) -> Result<(), StoreError> {
        let mut fresh = Known::default();
        for identity in self.store.enrolled_clusters().await? {
            fresh.insert(identity);
        }
        *self.write() = fresh;
        Ok(())
    }

    /// Follows the changes in the database until shutdown.
    pub async fn follow(&self, shutdown: CancellationToken) {
        let mut resynced = Instant::now();
        while !shutdown.is_cancelled() {
            let listening = timeout(RESYNC_INTERVAL, self.store.listen()).await;
            match listening.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed)))) {
                Ok(mut changes) => {
                    if let Some(Err(error)) =
                        shutdown.run_until_cancelled(self.follow_changes(&mut changes)).await
                    {
                        tracing::warn!(%error, "lost the connection that listens for changes of other units");
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot listen for the changes of other units"),
            }
            // Who cannot listen, because a connection pooler does not allow it for instance, can still look.
            if resynced.elapsed() > RESYNC_INTERVAL && self.resync().await.is_ok() {
                resynced = Instant::now();
            }
            shutdown.run_until_cancelled(tokio::time::sleep(RECONNECT_DELAY)).await;
        }
    }

    /// Returns when the connection is lost.
    async fn follow_changes(&self, changes: &mut Changes) -> Result<(), StoreError> {
        // Listening began before this read, so no change is missed.
        self.resync().await?;
        let mut resync = tokio::time::interval(RESYNC_INTERVAL);
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
            Change::HealthChanged(_) | Change::CredentialEnded(_) => {}
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
        // The certificate may already belong to a cluster that joined again.
        if self.by_fingerprint.get(&fingerprint).is_some_and(|identity| identity.uid == uid) {
            self.by_fingerprint.remove(&fingerprint);
        }
    }
}
