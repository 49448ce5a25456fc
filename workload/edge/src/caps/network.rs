//! One network (/24, /56): its connections that are not authenticated, and the clients that were authenticated from it
//! lately.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ClientKey;
use super::unread::Group;
use crate::activity::Activity;

/// How many connections each client of late adds to what its network may have: clusters open one to ask for the
/// certificate and one for the call.
const PLACES_PER_CLIENT: usize = 2;
/// How long a client counts as authenticated lately: one to two of these.
const GENERATION: Duration = Duration::from_mins(15);
/// From this age on, an idle connection gives way to a new one. Much less, and whoever holds all places could have as many
/// handshakes as it likes.
const MIN_IDLE_AGE: Duration = Duration::from_secs(3);
/// From this age on, any connection that is not authenticated gives way.
const MIN_BUSY_AGE: Duration = Duration::from_secs(10);

/// The connections and clients of one network.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// Open connections, authenticated ones included.
    pub(super) open: usize,
    /// What its connections that are not authenticated have not read.
    pub(super) unread: Arc<Group>,
    /// Connections that are not authenticated, oldest first.
    strangers: BTreeMap<u64, Stranger>,
    recent: RecentClients,
}

/// A connection that is not authenticated.
#[derive(Debug)]
pub(super) struct Stranger {
    pub(super) since: Instant,
    pub(super) cut: CancellationToken,
    pub(super) activity: Arc<Activity>,
}

/// Distinct clients, in two generations.
#[derive(Debug, Default)]
struct RecentClients {
    current: HashSet<ClientKey>,
    previous: HashSet<ClientKey>,
    /// When the current generation began.
    begun: Option<Instant>,
}

impl Network {
    /// The most connections of this network that are not authenticated.
    pub(super) fn limit(&mut self, base: usize, now: Instant) -> usize {
        base.saturating_add(self.recent.count(now) * PLACES_PER_CLIENT)
    }

    /// Whether a client was authenticated from it lately.
    pub(super) fn is_known(&mut self, now: Instant) -> bool {
        self.recent.count(now) > 0
    }

    pub(super) fn strangers(&self) -> usize {
        self.strangers.len()
    }

    pub(super) fn add(&mut self, id: u64, stranger: Stranger) {
        self.strangers.insert(id, stranger);
    }

    /// The connection is authenticated, or has ended. Whether it counted here.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.strangers.remove(&id).is_some()
    }

    pub(super) fn note(&mut self, client: ClientKey, now: Instant) {
        self.recent.note(client, now);
    }

    /// Takes out the connection that gives way to a new one: the oldest idle one, or else the oldest that had enough time
    /// to authenticate itself.
    pub(super) fn give_way(&mut self, now: Instant) -> Option<Stranger> {
        let oldest_first = || self.strangers.iter().map(|(id, it)| (*id, it, now.duration_since(it.since)));
        let idle = oldest_first()
            .take_while(|(.., age)| *age >= MIN_IDLE_AGE)
            .find(|(_, it, age)| *age >= MIN_BUSY_AGE || !it.activity.is_working());
        let id = idle.map(|(id, ..)| id)?;
        self.strangers.remove(&id)
    }

    /// Whether there is nothing left to remember.
    pub(super) fn is_empty(&mut self, now: Instant) -> bool {
        self.open == 0 && !self.is_known(now)
    }
}

impl RecentClients {
    fn rotate(&mut self, now: Instant) {
        let Some(begun) = self.begun else { return };
        let age = now.duration_since(begun);
        if age < GENERATION {
            return;
        }
        self.previous = std::mem::take(&mut self.current);
        if age >= GENERATION * 2 {
            self.previous = HashSet::new();
        }
        self.begun = (!self.previous.is_empty()).then_some(now);
    }

    fn count(&mut self, now: Instant) -> usize {
        self.rotate(now);
        self.current.len().max(self.previous.len())
    }

    fn note(&mut self, client: ClientKey, now: Instant) {
        self.rotate(now);
        self.begun.get_or_insert(now);
        self.current.insert(client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(since: Instant) -> Stranger {
        Stranger { since, cut: CancellationToken::new(), activity: Arc::default() }
    }

    #[test]
    fn each_client_of_late_adds_two_places_for_a_while() {
        let (mut network, now) = (Network::default(), Instant::now());
        assert_eq!((network.limit(10, now), network.is_known(now)), (10, false));
        for client in [1, 2, 2, 2, 3] {
            network.note(ClientKey(client), now);
        }
        assert_eq!((network.limit(10, now), network.is_known(now)), (16, true));
        assert_eq!(network.limit(10, now + GENERATION), 16);
        network.note(ClientKey(4), now + GENERATION);
        assert_eq!(network.limit(10, now + GENERATION), 16, "the larger generation counts");
        assert_eq!(network.limit(10, now + GENERATION * 2), 12);
        assert_eq!(network.limit(10, now + GENERATION * 4), 10);
        assert!(network.is_empty(now + GENERATION * 4));
    }

    #[test]
    fn unused_generations_are_forgotten_at_once() {
        let (mut network, now) = (Network::default(), Instant::now());
        network.note(ClientKey(1), now);
        assert_eq!(network.limit(10, now + GENERATION * 2), 10);
    }

    #[test]
    fn oldest_idle_connection_gives_way_then_the_oldest_of_all() {
        let (mut network, now) = (Network::default(), Instant::now());
        for (id, age_seconds) in [(1, 9), (2, 8), (3, 1)] {
            network.add(id, stranger(now.checked_sub(Duration::from_secs(age_seconds)).unwrap()));
        }
        let busy = network.strangers[&1].activity.clone();
        let _working = busy.begin();
        assert!(network.give_way(now).is_some());
        assert_eq!(network.strangers.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert!(network.give_way(now).is_none(), "one is busy, the other has just come");
        assert!(network.give_way(now + Duration::from_secs(2)).is_some());
        assert_eq!(network.strangers.keys().copied().collect::<Vec<_>>(), [3]);
    }
}
