//! The least that a heartbeat costs on this machine: two handshakes, each with an empty response. The cost of a heartbeat
//! is compared with theirs.

use std::time::{Duration, Instant};

use agent::client::{CallOptions, Identity, call};
use futures_util::future::join_all;
use protocol::Address;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::simulated::{Fleet, Pace, numeric_address};

impl Fleet {
    /// The server's CPU time in microseconds for a probe and an empty call with a client certificate: as they
    /// follow each other in a heartbeat, at the rate of heartbeats.
    pub async fn bare_handshakes_us(&self, pace: Pace, seconds: u64) -> f64 {
        let pair =
            Pair { address: numeric_address(&self.hub), identity: crate::hub::keys("floor").identity() };
        let until = Instant::now() + Duration::from_secs(seconds);
        let before = self.cpu_seconds();
        let pairs = match pace {
            Pace::ClosedLoop(at_once) => closed_loop(&pair, at_once, until).await,
            Pace::Rate(rate) => open_loop(&pair, rate, until).await,
            Pace::Interval(each) => open_loop(&pair, self.sites as f64 / each, until).await,
        };
        (self.cpu_seconds() - before) * 1e6 / pairs as f64
    }
}

#[derive(Clone)]
struct Pair {
    address: Address,
    identity: Identity,
}

impl Pair {
    /// Makes both calls, one after the other. Returns the number of pairs that succeeded.
    async fn make(self) -> u64 {
        let is_answered = async |identity| {
            let options =
                CallOptions { identity, path: "/".to_owned(), ..CallOptions::new(self.address.clone()) };
            call(options).await.is_ok()
        };
        u64::from(is_answered(Identity::None).await && is_answered(self.identity.clone()).await)
    }
}

async fn closed_loop(pair: &Pair, at_once: usize, until: Instant) -> u64 {
    let callers = (0..at_once).map(|_| {
        let pair = pair.clone();
        tokio::spawn(async move {
            let mut pairs = 0;
            while Instant::now() < until {
                pairs += pair.clone().make().await;
            }
            pairs
        })
    });
    join_all(callers.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).sum()
}

async fn open_loop(pair: &Pair, rate: f64, until: Instant) -> u64 {
    let mut due = interval(Duration::from_secs_f64(1.0 / rate));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    while Instant::now() < until {
        due.tick().await;
        calls.spawn(pair.clone().make());
    }
    calls.join_all().await.into_iter().sum()
}
