//! How many large bodies are read at once: memory for all sites, a fair share for each.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use edge::Error;
use edge::body::RequestBody;
use fleet::ClusterUid;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// What every ordinary report without metrics stays below, and most with them, in bytes.
const SMALL: u64 = 1024 * 1024;
/// How many large ones are read at once: 16 of the largest are a gigabyte.
const AT_ONCE: usize = 16;
/// How long one may take: the largest at 26 Mbit/s.
const TIME: Duration = Duration::from_secs(20);

/// Places for large bodies, one a cluster at a time.
pub(crate) struct LargeBodies {
    places: Semaphore,
    reading: Mutex<HashSet<ClusterUid>>,
}

/// A large body's right to be in memory, given back when dropped.
pub(crate) struct Held<'a> {
    _its_own: Place<'a>,
    _place: SemaphorePermit<'a>,
}

/// A cluster's one place, given back when dropped.
struct Place<'a> {
    of: &'a LargeBodies,
    cluster: ClusterUid,
}

impl LargeBodies {
    pub(crate) fn new() -> Self {
        Self { places: Semaphore::new(AT_ONCE), reading: Mutex::default() }
    }

    /// Reads a cluster's body. A large one, or one that does not say how large it is, waits for a place; a cluster
    /// that sends two at once is told to come back, and one that takes too long is cut, so that nobody keeps the
    /// others waiting. The place is to be kept for as long as the body is.
    pub(crate) async fn read(
        &self,
        cluster: ClusterUid,
        body: RequestBody,
        limit: usize,
    ) -> Result<(Bytes, Option<Held<'_>>), Error> {
        if body.content_length().is_some_and(|length| length <= SMALL || length > limit as u64) {
            return Ok((body.read(limit).await?, None));
        }
        let its_own = self.claim(cluster).ok_or(Error::TooManyRequests { retry_after: TIME })?;
        // Closed only when the process ends.
        let place = self.places.acquire().await.map_err(Error::internal)?;
        let body = timeout(TIME, body.read(limit)).await.unwrap_or(Err(Error::RequestTimeout))?;
        Ok((body, Some(Held { _its_own: its_own, _place: place })))
    }

    fn claim(&self, cluster: ClusterUid) -> Option<Place<'_>> {
        let is_first = self.lock().insert(cluster);
        // Lazily: a place that is made is also given back.
        is_first.then(|| Place { of: self, cluster })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ClusterUid>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.of.lock().remove(&self.cluster);
    }
}
