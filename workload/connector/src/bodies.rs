//! The memory for the bodies of heartbeats that are being read or processed: a budget of bytes, not of bodies.
//!
//! There are two lanes, so that small reports never wait for large ones. A small body takes its declared length from its
//! lane before it is read. A large one takes what arrives, so that a slow one holds no more than it has sent. Two large
//! bodies can never wait for each other: the first that finds its lane empty may overdraw it and is read to its end. In
//! each lane a cluster has a share, so that one cluster cannot use up what all others need.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use edge::Error;
use edge::body::{Admission, RequestBody};
use fleet::ClusterUid;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

/// The longest body of the small lane, in bytes. Reports without metrics are smaller, and so are most with metrics.
pub(crate) const MAX_SMALL_BYTES: usize = 1 << 20;
/// The bytes of all small bodies together.
const SMALL_LANE_BYTES: usize = 64 << 20;
/// The bytes of one cluster's small bodies: one of the largest, and another while a connection of the first is lost.
const SMALL_SHARE_BYTES: usize = 2 * MAX_SMALL_BYTES;
/// The bytes of all large bodies together, without the one that overdraws.
const LARGE_LANE_BYTES: usize = 48 << 20;
/// The bytes of one cluster's large body. Beyond them it overdraws, one body at a time.
const LARGE_SHARE_BYTES: usize = 32 << 20;

/// The longest that a body may wait for memory.
const MAX_WAIT: Duration = Duration::from_secs(15);
/// The longest that reading a large body may take, without the waits: enough for the largest at 26 Mbit/s.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// The `Retry-After` of a body that found no memory, and of a cluster that sends too many bodies at the same time.
const RETRY_AFTER: Duration = Duration::from_secs(20);

/// The memory for bodies.
pub(crate) struct Bodies {
    small: Semaphore,
    large: Semaphore,
    /// The right to overdraw the large lane, by one body at a time.
    overdraft: Semaphore,
    by_cluster: Mutex<HashMap<ClusterUid, Share>>,
}

/// A body, and the memory that is taken for it until this is dropped.
pub(crate) struct Held<'a> {
    /// The body.
    pub(crate) bytes: Bytes,
    /// Whether it came in the lane of large bodies.
    pub(crate) is_large: bool,
    _claim: Claim<'a>,
    _taken: Taken<'a>,
}

/// The memory taken from the lanes.
#[derive(Default)]
struct Taken<'a> {
    permit: Option<SemaphorePermit<'a>>,
    overdraft: Option<SemaphorePermit<'a>>,
}

/// What a cluster holds.
#[derive(Default)]
struct Share {
    small_bytes: usize,
    has_large: bool,
}

/// A part of a cluster's share, given back when it is dropped.
struct Claim<'a> {
    of: &'a Bodies,
    cluster: ClusterUid,
    size: Size,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Small(usize),
    Large,
}

/// What a large body has taken so far.
struct Account<'a> {
    of: &'a Bodies,
    taken: Taken<'a>,
    bytes: usize,
    begun: Instant,
    waited: Duration,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self {
            small: Semaphore::new(SMALL_LANE_BYTES),
            large: Semaphore::new(LARGE_LANE_BYTES),
            overdraft: Semaphore::new(1),
            by_cluster: Mutex::default(),
        }
    }

    /// Reads a cluster's body of at most `limit` bytes. A cluster that sends more at the same time than its share receives a
    /// 429, a body that finds no memory for too long a 503, and one that takes too long a 408. The caller keeps what is
    /// returned as long as the body is in memory.
    pub(crate) async fn read(
        &self,
        cluster: ClusterUid,
        body: RequestBody,
        limit: usize,
    ) -> Result<Held<'_>, Error> {
        let length = body.content_length();
        if length.is_some_and(|length| length > limit as u64) {
            return Err(Error::TooLarge);
        }
        match length.and_then(|length| usize::try_from(length).ok()) {
            Some(length) if length <= MAX_SMALL_BYTES => self.read_small(cluster, body, length).await,
            _ => self.read_large(cluster, body, limit).await,
        }
    }

    async fn read_small(
        &self,
        cluster: ClusterUid,
        body: RequestBody,
        length: usize,
    ) -> Result<Held<'_>, Error> {
        let claim = self.claim(cluster, Size::Small(length))?;
        let permit = timeout(MAX_WAIT, self.small.acquire_many(permits(length))).await;
        // The semaphores are never closed.
        let permit = permit.map_err(|_| no_memory())?.map_err(Error::internal)?;
        let bytes = body.read(length).await?;
        let taken = Taken { permit: Some(permit), overdraft: None };
        Ok(Held { bytes, is_large: false, _claim: claim, _taken: taken })
    }

    async fn read_large(
        &self,
        cluster: ClusterUid,
        body: RequestBody,
        limit: usize,
    ) -> Result<Held<'_>, Error> {
        let claim = self.claim(cluster, Size::Large)?;
        let mut account = Account::new(self);
        let end = account.begun + READ_TIMEOUT + MAX_WAIT;
        let read = body.read_admitted(limit, &mut account);
        let bytes = timeout_at(end, read).await.unwrap_or(Err(Error::RequestTimeout))?;
        Ok(Held { bytes, is_large: true, _claim: claim, _taken: account.taken })
    }

    fn claim(&self, cluster: ClusterUid, size: Size) -> Result<Claim<'_>, Error> {
        let mut by_cluster = self.lock();
        let share = by_cluster.entry(cluster).or_default();
        let is_free = match size {
            Size::Small(bytes) => share.small_bytes + bytes <= SMALL_SHARE_BYTES,
            Size::Large => !share.has_large,
        };
        if !is_free {
            return Err(Error::TooManyRequests { retry_after: RETRY_AFTER });
        }
        match size {
            Size::Small(bytes) => share.small_bytes += bytes,
            Size::Large => share.has_large = true,
        }
        Ok(Claim { of: self, cluster, size })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterUid, Share>> {
        self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission for Account<'_> {
    /// Takes the memory for a chunk that has arrived.
    async fn admit(&mut self, bytes: usize) -> Result<(), Error> {
        if self.begun.elapsed().saturating_sub(self.waited) > READ_TIMEOUT {
            return Err(Error::RequestTimeout);
        }
        self.bytes += bytes;
        if self.taken.overdraft.is_some() {
            return Ok(());
        }
        let begun = Instant::now();
        let taken = timeout(MAX_WAIT.saturating_sub(self.waited), self.acquire(bytes)).await;
        self.waited += begun.elapsed();
        taken.unwrap_or_else(|_| Err(no_memory()))
    }
}

impl<'a> Account<'a> {
    fn new(of: &'a Bodies) -> Self {
        Self { of, taken: Taken::default(), bytes: 0, begun: Instant::now(), waited: Duration::ZERO }
    }

    /// Waits for the memory, or for the right to overdraw.
    async fn acquire(&mut self, bytes: usize) -> Result<(), Error> {
        let within_share = self.bytes <= LARGE_SHARE_BYTES;
        tokio::select! {
            biased;
            permit = self.of.large.acquire_many(permits(bytes)), if within_share => {
                let permit = permit.map_err(Error::internal)?;
                match &mut self.taken.permit {
                    Some(taken) => taken.merge(permit),
                    none => *none = Some(permit),
                }
            }
            right = self.of.overdraft.acquire() => {
                self.taken.overdraft = Some(right.map_err(Error::internal)?);
            }
        }
        Ok(())
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn no_memory() -> Error {
    Error::Unavailable { retry_after: RETRY_AFTER, cause: "too many bodies are being read".into() }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut by_cluster = self.of.lock();
        if let Entry::Occupied(mut entry) = by_cluster.entry(self.cluster) {
            let share = entry.get_mut();
            match self.size {
                Size::Small(bytes) => share.small_bytes = share.small_bytes.saturating_sub(bytes),
                Size::Large => share.has_large = false,
            }
            if share.small_bytes == 0 && !share.has_large {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests;
