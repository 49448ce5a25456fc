//! The places of the status port. When all are taken, the address with the most connections loses its oldest one, so
//! that idle sockets never keep out a health check.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections with their addresses, oldest first.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    open: BTreeMap<u64, (IpAddr, CancellationToken)>,
}

/// The place of one connection, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    /// Cancelled when the connection must give way.
    pub(super) cut: CancellationToken,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        Self { max, taken: Mutex::default() }
    }

    /// A place for a new connection. There always is one.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Place {
        let (mut taken, cut) = (self.lock(), CancellationToken::new());
        if taken.open.len() >= self.max {
            taken.evict();
        }
        let id = taken.next;
        taken.next += 1;
        taken.open.insert(id, (address.to_canonical(), cut.clone()));
        Place { places: Arc::clone(self), id, cut }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn evict(&mut self) {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for (address, _) in self.open.values() {
            *counts.entry(*address).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or_default();
        let victim = self.open.iter().find(|(_, (address, _))| counts.get(address) == Some(&most));
        if let Some(id) = victim.map(|(id, _)| *id)
            && let Some((_, cut)) = self.open.remove(&id)
        {
            cut.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_with_the_most_connections_loses_its_oldest() {
        let places = Arc::new(Places::new(3));
        let (scraper, attacker) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([192, 0, 2, 1]));
        let one = places.enter(scraper);
        let held: Vec<Place> = (0..10).map(|_| places.enter(attacker)).collect();
        assert!(!one.cut.is_cancelled());
        assert_eq!(held.iter().filter(|place| !place.cut.is_cancelled()).count(), 2);
        assert!(held[0].cut.is_cancelled() && !held[9].cut.is_cancelled());
        drop(held);
        assert_eq!(places.lock().open.len(), 1);
    }
}
