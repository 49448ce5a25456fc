//! Bytes of responses that clients have not read yet: in memory, whether hyper holds them or still the body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use prometheus_client::metrics::gauge::Gauge;

/// What a response costs at least, in bytes: its stream, its task and its headers.
const MIN_COST: usize = 4096;

/// The unread bytes of all connections of a network or a client.
#[derive(Debug, Default)]
pub(crate) struct Group(AtomicUsize);

/// The unread bytes of one connection, which also count for its group.
#[derive(Debug)]
pub(crate) struct Account {
    own: AtomicUsize,
    group: ArcSwap<Group>,
    limits: UnreadLimits,
    /// The unread bytes of the whole server.
    gauge: Gauge,
}

/// The most unread bytes. A single response may be larger, but only while nothing else is unread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnreadLimits {
    /// Of a connection.
    pub(crate) connection: usize,
    /// Of a network or a client.
    pub(crate) group: usize,
}

/// The client has not read so much that it gets no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuchUnread {
    /// Whether even the refusals are too many, so that the connection must be cut.
    pub(crate) cut: bool,
}

/// Unread bytes, until they are read or thrown away.
#[derive(Debug)]
pub(crate) struct Charge {
    account: Arc<Account>,
    group: Arc<Group>,
    bytes: usize,
}

impl Account {
    pub(crate) fn new(group: Arc<Group>, limits: UnreadLimits, gauge: Gauge) -> Self {
        Self { own: AtomicUsize::new(0), group: ArcSwap::from(group), limits, gauge }
    }

    /// What is charged from now on counts for this group.
    pub(crate) fn move_to(&self, group: Arc<Group>) {
        self.group.store(group);
    }

    /// Whether there is room for any further response.
    pub(crate) fn check(&self) -> Result<(), TooMuchUnread> {
        let group = self.group.load().0.load(Ordering::Relaxed);
        let own = self.own.load(Ordering::Relaxed);
        if own < self.limits.connection && group < self.limits.group {
            return Ok(());
        }
        Err(TooMuchUnread { cut: own / 2 >= self.limits.connection || group / 2 >= self.limits.group })
    }

    /// Charges a response of this many bytes if there is room for it.
    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> Result<Charge, TooMuchUnread> {
        self.check()?;
        let bytes = bytes.max(MIN_COST);
        let fits = |used: usize, limit: usize| used == 0 || used.saturating_add(bytes) <= limit;
        let group = self.group.load_full();
        if fits(self.own.load(Ordering::Relaxed), self.limits.connection)
            && fits(group.0.load(Ordering::Relaxed), self.limits.group)
        {
            Ok(self.charge_to(group, bytes))
        } else {
            Err(TooMuchUnread { cut: false })
        }
    }

    /// Charges a refusal.
    pub(crate) fn charge_refusal(self: &Arc<Self>) -> Charge {
        self.charge_to(self.group.load_full(), MIN_COST)
    }

    fn charge_to(self: &Arc<Self>, group: Arc<Group>, bytes: usize) -> Charge {
        self.add(&group, bytes);
        Charge { account: Arc::clone(self), group, bytes }
    }

    fn add(&self, group: &Group, bytes: usize) {
        self.own.fetch_add(bytes, Ordering::Relaxed);
        group.0.fetch_add(bytes, Ordering::Relaxed);
        self.gauge.inc_by(as_gauge(bytes));
    }
}

impl Charge {
    /// Charges more, which cannot be refused any more.
    pub(crate) fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.account.add(&self.group, bytes);
    }

    /// Splits off a part, at most all of it.
    pub(crate) fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { account: Arc::clone(&self.account), group: Arc::clone(&self.group), bytes }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.own.fetch_sub(self.bytes, Ordering::Relaxed);
        self.group.0.fetch_sub(self.bytes, Ordering::Relaxed);
        self.account.gauge.dec_by(as_gauge(self.bytes));
    }
}

fn as_gauge(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: UnreadLimits = UnreadLimits { connection: 100_000, group: 150_000 };

    fn account(group: &Arc<Group>, gauge: &Gauge) -> Arc<Account> {
        Arc::new(Account::new(Arc::clone(group), LIMITS, gauge.clone()))
    }

    #[test]
    fn connection_and_group_have_limits_of_their_own() {
        let (group, gauge) = (Arc::default(), Gauge::default());
        let (one, other) = (account(&group, &gauge), account(&group, &gauge));
        let first = one.charge(80_000).unwrap();
        assert_eq!(one.charge(30_000).unwrap_err(), TooMuchUnread { cut: false });
        let second = other.charge(60_000).unwrap();
        assert!(other.charge(20_000).is_err(), "the group is full");
        assert_eq!(gauge.get(), 140_000);
        drop(first);
        assert!(other.charge(20_000).is_ok());
        drop(second);
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn large_response_is_sent_while_nothing_else_is_unread() {
        let (group, gauge) = (Arc::default(), Gauge::default());
        let account = account(&group, &gauge);
        let large = account.charge(10_000_000).unwrap();
        assert_eq!(account.charge(1).unwrap_err(), TooMuchUnread { cut: true });
        drop(large);
        assert!(account.charge(1).is_ok());
    }

    #[test]
    fn refusals_cost_something_and_end_in_a_cut() {
        let (group, gauge) = (Arc::default(), Gauge::default());
        let account = account(&group, &gauge);
        let mut held: Vec<Charge> = Vec::new();
        let cut = (0..1000).position(|_| match account.charge(1) {
            Ok(charge) => {
                held.push(charge);
                false
            }
            Err(TooMuchUnread { cut }) => {
                held.push(account.charge_refusal());
                cut
            }
        });
        assert!(cut.is_some_and(|number| (40..60).contains(&number)), "{cut:?}");
    }

    #[test]
    fn authenticated_connection_counts_elsewhere() {
        let (group, gauge) = (Arc::<Group>::default(), Gauge::default());
        let (stranger, known) = (account(&group, &gauge), account(&group, &gauge));
        let before = known.charge(10_000).unwrap();
        let mut full = stranger.charge(90_000).unwrap();
        full.grow(60_000);
        assert!(known.charge(10_000).is_err());
        known.move_to(Arc::default());
        assert!(known.charge(10_000).is_ok());
        drop(before);
        assert_eq!(group.0.load(Ordering::Relaxed), 150_000, "a charge is released where it was made");
    }

    #[test]
    fn parts_of_a_charge_are_released_separately() {
        let (group, gauge) = (Arc::default(), Gauge::default());
        let mut whole = account(&group, &gauge).charge(50_000).unwrap();
        let part = whole.split(20_000);
        assert_eq!((part.bytes, whole.bytes, whole.split(99_000).bytes), (20_000, 30_000, 30_000));
        drop(part);
        drop(whole);
        assert_eq!(gauge.get(), 0);
    }
}
