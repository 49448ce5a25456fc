//! The buckets, in a table of bounded size.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// Enough shards that the threads of one machine rarely wait for each other.
const SHARDS: usize = 16;

/// For each key, the time at which its bucket is full again, counted from the limiter's start.
pub(super) struct BoundedStore<K> {
    shards: [Mutex<HashMap<K, Nanos>>; SHARDS],
    /// The bucket of all keys that arrive while the table is full.
    overflow: Mutex<Option<Nanos>>,
    hasher: RandomState,
    keys: AtomicUsize,
    max_keys: usize,
}

impl<K: Hash> BoundedStore<K> {
    pub(super) fn new(max_keys: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::new())),
            overflow: Mutex::new(None),
            hasher: RandomState::new(),
            keys: AtomicUsize::new(0),
            max_keys,
        }
    }

    fn is_full(&self) -> bool {
        self.keys.load(Ordering::Relaxed) >= self.max_keys
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, HashMap<K, Nanos>> {
        let [index, ..] = self.hasher.hash_one(key).to_ne_bytes();
        lock(&self.shards[usize::from(index) % SHARDS])
    }
}

/// A panic cannot leave a partly written value, so a poisoned table is still usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Hash + Eq + Clone> StateStore for BoundedStore<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = self.shard(key);
        if let Some(state) = shard.get_mut(key) {
            let (outcome, next) = f(Some(*state))?;
            *state = next;
            return Ok(outcome);
        }
        if self.is_full() {
            drop(shard);
            let mut overflow = lock(&self.overflow);
            let (outcome, next) = f(*overflow)?;
            *overflow = Some(next);
            return Ok(outcome);
        }
        let (outcome, next) = f(None)?;
        shard.insert(key.clone(), next);
        self.keys.fetch_add(1, Ordering::Relaxed);
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for BoundedStore<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|_, state| *state > drop_below);
            self.keys.fetch_sub(before - shard.len(), Ordering::Relaxed);
        }
    }

    fn shrink_to_fit(&self) {
        for shard in &self.shards {
            lock(shard).shrink_to_fit();
        }
    }

    fn len(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
