//! Limits how many large bodies are read at the same time, with a fair share for each cluster.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use edge::Error;
use edge::body::RequestBody;
use fleet::ClusterUid;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Up to this size in bytes, bodies are not limited. Reports without metrics are smaller, and so are most with metrics.
const MAX_SMALL_BODY_BYTES: u64 = 1024 * 1024;
/// The most large bodies in memory at the same time: 16 of the largest size are a gigabyte.
const MAX_LARGE_BODIES: usize = 16;
/// The timeout for reading one: enough for the largest size at 26 Mbit/s.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Permits for large bodies, at most one for each cluster.
pub(crate) struct LargeBodies {
    permits: Semaphore,
    reading: Mutex<HashSet<ClusterUid>>,
}

/// Allows a large body to be in memory until it is dropped.
pub(crate) struct Held<'a> {
    _claim: Claim<'a>,
    _permit: SemaphorePermit<'a>,
}

/// A cluster's claim to read a large body, released when it is dropped.
struct Claim<'a> {
    of: &'a LargeBodies,
    cluster: ClusterUid,
}

impl LargeBodies {
    pub(crate) fn new() -> Self {
        Self { permits: Semaphore::new(MAX_LARGE_BODIES), reading: Mutex::default() }
    }

    /// Reads a cluster's body. A large body, or one of unknown size, waits for a permit. A cluster that sends two at the same
    /// time receives a 429, and one that takes too long a 408, so that it does not delay the others. The caller keeps the
    /// permit as long as the body.
    pub(crate) async fn read(
        &self,
        cluster: ClusterUid,
        body: RequestBody,
        limit: usize,
    ) -> Result<(Bytes, Option<Held<'_>>), Error> {
        if body.content_length().is_some_and(|length| length <= MAX_SMALL_BODY_BYTES || length > limit as u64)
        {
            return Ok((body.read(limit).await?, None));
        }
        let claim = self.claim(cluster).ok_or(Error::TooManyRequests { retry_after: READ_TIMEOUT })?;
        // The semaphore is never closed.
        let permit = self.permits.acquire().await.map_err(Error::internal)?;
        let body = timeout(READ_TIMEOUT, body.read(limit)).await.unwrap_or(Err(Error::RequestTimeout))?;
        Ok((body, Some(Held { _claim: claim, _permit: permit })))
    }

    fn claim(&self, cluster: ClusterUid) -> Option<Claim<'_>> {
        let is_first = self.lock().insert(cluster);
        // Lazily, because a claim is released when it is dropped.
        is_first.then(|| Claim { of: self, cluster })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ClusterUid>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.of.lock().remove(&self.cluster);
    }
}
