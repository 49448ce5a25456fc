//! Who may connect, and who gives way when there are too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ClientKey;
use super::network::{Network, Stranger};
use super::unread::{Account, Group, UnreadLimits};
use crate::activity::Activity;
use crate::rate_limit::AddressPrefix;

/// How often networks without connections and without clients of late are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_mins(5);

/// The limits of all places of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacesLimits {
    /// The most connections.
    pub(crate) all: usize,
    /// The most connections of a network that are not authenticated.
    pub(crate) network: usize,
    /// The most connections of an authenticated client.
    pub(crate) client: usize,
    /// The most unread bytes of responses.
    pub(crate) unread: UnreadLimits,
}

/// All places of a server.
#[derive(Debug)]
pub(crate) struct Places {
    limits: PlacesLimits,
    unread: Gauge,
    next: AtomicU64,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    open: usize,
    networks: HashMap<AddressPrefix, Network>,
    clients: HashMap<ClientKey, Client>,
    swept: Option<Instant>,
}

/// An authenticated client.
#[derive(Debug, Default)]
struct Client {
    open: usize,
    unread: Arc<Group>,
}

/// Why a connection gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its network has too many connections that are not authenticated.
    Network,
    /// The remaining places are kept for networks from which clients were authenticated lately.
    Reserved,
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Place {
    id: u64,
    network: AddressPrefix,
    places: Arc<Places>,
    client: OnceLock<ClientKey>,
    /// Cancelled when the connection must end at once.
    pub(crate) cut: CancellationToken,
    /// What the client has not read.
    pub(crate) account: Arc<Account>,
}

/// Keeps a place until it is dropped.
#[derive(Debug)]
pub(crate) struct Occupied(pub(crate) Arc<Place>);

impl Places {
    pub(crate) fn new(limits: PlacesLimits, unread: Gauge) -> Self {
        Self { limits, unread, next: AtomicU64::new(0), taken: Mutex::default() }
    }

    /// A place for a new connection from this address. The second value says whether another connection had to give way.
    /// While memory is short, only known networks get places.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        activity: &Arc<Activity>,
        is_memory_short: bool,
    ) -> Result<(Occupied, bool), Refused> {
        let (prefix, now) = (AddressPrefix::of(address), Instant::now());
        let mut taken = self.lock();
        taken.sweep(now);
        let is_nearly_full = taken.open >= self.limits.all - self.limits.all / 4;
        let network = taken.networks.entry(prefix).or_default();
        let admitted = if (is_nearly_full || is_memory_short) && !network.is_known(now) {
            Err(Refused::Reserved)
        } else if network.strangers() < network.limit(self.limits.network, now) {
            Ok(None)
        } else {
            network.give_way(now).map(Some).ok_or(Refused::Network)
        };
        let evicted = match admitted {
            Ok(evicted) => evicted,
            Err(refused) => {
                taken.forget_if_empty(prefix, now);
                return Err(refused);
            }
        };
        let (id, cut) = (self.next.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        network.open += 1;
        network.add(id, Stranger { since: now, cut: cut.clone(), activity: Arc::clone(activity) });
        let account = Account::new(Arc::clone(&network.unread), self.limits.unread, self.unread.clone());
        taken.open += 1;
        drop(taken);

        let gave_way = evicted.is_some();
        if let Some(stranger) = evicted {
            stranger.cut.cancel();
        }
        let (places, account) = (Arc::clone(self), Arc::new(account));
        let place = Place { id, network: prefix, places, client: OnceLock::new(), cut, account };
        Ok((Occupied(Arc::new(place)), gave_way))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn forget_if_empty(&mut self, prefix: AddressPrefix, now: Instant) {
        if self.networks.get_mut(&prefix).is_some_and(|network| network.is_empty(now)) {
            self.networks.remove(&prefix);
        }
    }

    fn sweep(&mut self, now: Instant) {
        if now.duration_since(*self.swept.get_or_insert(now)) >= SWEEP_INTERVAL {
            self.swept = Some(now);
            self.networks.retain(|_, network| !network.is_empty(now));
        }
    }
}

impl Place {
    /// Counts the connection towards this client from now on, instead of its network. The first client of a connection
    /// keeps it. Returns whether the client may have another connection; if not, nothing changes.
    pub(crate) fn authenticated_as(&self, client: ClientKey) -> bool {
        if self.client.get().is_some() {
            return true;
        }
        let now = Instant::now();
        let mut taken = self.places.lock();
        let entry = taken.clients.entry(client).or_default();
        if entry.open >= self.places.limits.client {
            return false;
        }
        // Two requests of one connection can come here at the same time.
        if self.client.set(client).is_ok() {
            entry.open += 1;
            self.account.move_to(Arc::clone(&entry.unread));
            if let Some(network) = taken.networks.get_mut(&self.network) {
                network.remove(self.id);
                network.note(client, now);
            }
        }
        true
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let place = &self.0;
        let mut taken = place.places.lock();
        taken.open -= 1;
        if let Some(client) = place.client.get()
            && let Some(entry) = taken.clients.get_mut(client)
        {
            entry.open -= 1;
            if entry.open == 0 {
                taken.clients.remove(client);
            }
        }
        if let Some(network) = taken.networks.get_mut(&place.network) {
            network.open -= 1;
            network.remove(place.id);
        }
        taken.forget_if_empty(place.network, Instant::now());
    }
}

#[cfg(test)]
mod tests;
