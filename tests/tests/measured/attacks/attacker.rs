//! An attacker: where it attacks, who it is, and until when.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use agent::client::Identity;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::pace::Pace;
use super::wire::{Door, Tally};

/// What is attacked: a hub, or the sink in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// The connector.
    pub(crate) connector: SocketAddr,
    /// The management API.
    pub(crate) management: SocketAddr,
    /// The status port of the connector.
    pub(crate) status: SocketAddr,
}

/// Somebody at one address, with the certificates of some enrolled clusters.
pub(crate) struct Attacker {
    target: Target,
    clusters: Vec<Identity>,
    tally: Arc<Tally>,
    pace: Option<Arc<Pace>>,
    begun: Instant,
    /// At the latest then, everything ends.
    until: Instant,
}

impl Attacker {
    /// An attacker of the hub that goes on for at most this long, or one of the sink at the pace of another.
    pub(crate) fn new(
        target: Target,
        clusters: Vec<Identity>,
        longest: Duration,
        pace: Option<Arc<Pace>>,
    ) -> Arc<Self> {
        let begun = Instant::now();
        Arc::new(Self { target, clusters, tally: Arc::default(), pace, begun, until: begun + longest })
    }

    /// Its pace so far.
    pub(crate) fn pace(&self) -> Pace {
        Pace::of(&self.tally, self.begun.elapsed())
    }

    /// What it did.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The connector, for one of its clusters; the numbers go round.
    pub(crate) fn as_cluster(&self, number: usize) -> Door {
        self.door(self.target.connector, &self.clusters[number % self.clusters.len()], b"http/1.1")
    }

    /// The number of its clusters.
    pub(crate) fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// The connector, for a stranger.
    pub(crate) fn connector(&self) -> Door {
        self.connector_as(&Identity::None)
    }

    /// The connector, for a stranger with this certificate.
    pub(crate) fn connector_as(&self, identity: &Identity) -> Door {
        self.door(self.target.connector, identity, b"http/1.1")
    }

    /// The management API over HTTP/1.1.
    pub(crate) fn management(&self) -> Door {
        self.door(self.target.management, &Identity::None, b"http/1.1")
    }

    /// The management API over HTTP/2.
    pub(crate) fn management_http2(&self) -> Door {
        self.door(self.target.management, &Identity::None, b"h2")
    }

    /// The status port, which has no TLS.
    pub(crate) fn status(&self) -> Door {
        self.door(self.target.status, &Identity::None, b"")
    }

    fn door(&self, address: SocketAddr, identity: &Identity, alpn: &[u8]) -> Door {
        Door::new(address, self.pace.clone(), identity, alpn, Arc::clone(&self.tally))
    }

    /// Does something again and again in this many tasks, with a pause after each time. What is done gets the task's
    /// number.
    pub(crate) async fn in_parallel<D, F>(&self, tasks: usize, pause: Duration, deed: D)
    where
        D: Fn(usize) -> F + Clone + Send + 'static,
        F: Future<Output = io::Result<()>> + Send,
    {
        let mut all = JoinSet::new();
        for number in 0..tasks {
            let (deed, until, pace) = (deed.clone(), self.until, self.pace.clone());
            all.spawn(async move {
                while Instant::now() < until {
                    let mut cut = until;
                    if let Some(pace) = &pace {
                        pace.next_connection().await;
                        cut = cut.min(Instant::now() + pace.lifetime(tasks));
                    }
                    // Refused, cut off or done: again.
                    let _ = timeout_at(cut, deed(number)).await;
                    sleep(pause).await;
                }
            });
        }
        while all.join_next().await.is_some() {}
    }

    /// The number of connections that it holds now.
    pub(crate) fn held(&self) -> u64 {
        self.tally.held.load(Relaxed)
    }

    /// The number of connections that it made so far.
    pub(crate) fn made(&self) -> u64 {
        self.tally.connections.load(Relaxed)
    }

    /// What it sent so far, in MiB.
    pub(crate) fn sent_mib(&self) -> f64 {
        self.tally.bytes.load(Relaxed) as f64 / f64::from(1 << 20)
    }
}
