//! The running relay: sinks with their queues and spools, a journal, and the threads between them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::ClusterName;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::counts::{Cause, RelayCounts};
use crate::excess::{Budget, Excess};
use crate::intake::{Exposition, Intake, IntakeLimits, Received, Work};
use crate::journal::Journal;
use crate::packer::{Packer, Packing};
use crate::queue::Queue;
use crate::sender::{Endpoint, InvalidEndpoint, Sender};
use crate::sink::{Gate, Sink};
use crate::spool::Spool;
use crate::status::SinkStatus;
use crate::threads::{Queues, gather_batches, send_batches, write_journal};
use crate::time::UnixMillis;

/// The longest name of a member or a service, in bytes. Every series contains it.
const MAX_NAME_BYTES: usize = 255;

/// The longest wait for a thread to end. Parsing everything that is waiting takes some seconds at most.
const THREAD_JOIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The configuration of a relay.
#[derive(Debug, Clone)]
pub struct Config {
    /// How batches are gathered from expositions.
    pub packing: Packing,
    /// The most bytes of expositions that wait to be parsed.
    pub intake_bytes: usize,
    /// The most bytes of expositions of one cluster that wait to be parsed. A larger exposition is not relayed.
    pub cluster_bytes: usize,
    /// The directory, of this unit only, in which expositions are kept until they are in the sinks' spools. It is needed
    /// if there are spools: without it, a process that is killed loses what arrived during the last linger time.
    pub journal: Option<PathBuf>,
    /// The sinks that receive the samples.
    pub sinks: Vec<SinkConfig>,
}

/// The configuration of one sink. Create it with [`SinkConfig::new`].
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// Its name in metrics and logs.
    pub name: String,
    /// Its address and credentials.
    pub endpoint: Endpoint,
    /// The most bytes that wait for it in memory, compressed: about 15 per sample.
    pub memory_bytes: usize,
    /// Its queue on disk, if it has one.
    pub spool: Option<SpoolConfig>,
    /// The age at which samples are dropped. Prometheus accepts samples of up to an hour, unless it has an out-of-order
    /// window.
    pub max_age: Duration,
    /// The waits between attempts while it fails.
    pub backoff: Backoff,
    /// The maximum number of requests to find the refused series in a batch.
    pub max_search_requests: u32,
}

/// A spool on disk.
#[derive(Debug, Clone)]
pub struct SpoolConfig {
    /// Its directory, for this sink of this unit only.
    pub directory: PathBuf,
    /// Its size limit in bytes.
    pub bytes: u64,
}

/// Why a relay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A sink's address, credentials or certificate authorities are invalid.
    #[error("sink {sink:?}: {error}")]
    Endpoint {
        /// The sink's name.
        sink: String,
        /// The reason.
        error: InvalidEndpoint,
    },
    /// A spool cannot be opened.
    #[error("cannot open the spool in {}: {error}", directory.display())]
    Spool {
        /// The spool's directory.
        directory: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The journal cannot be opened.
    #[error("cannot open the journal in {}: {error}", directory.display())]
    Journal {
        /// The journal's directory.
        directory: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// A running relay. If it is dropped without [`Relay::shut_down`], it stops as if the process had been killed.
pub struct Relay {
    intake: Arc<Intake>,
    sinks: Vec<Arc<Sink>>,
    queues: Vec<Arc<Queue>>,
    counts: RelayCounts,
    excess: Excess,
    next_report: AtomicU64,
    stop: CancellationToken,
    writing: Option<Running>,
    packing: Option<Running>,
    sending: Option<Running>,
}

/// A running thread.
struct Running {
    name: &'static str,
    thread: JoinHandle<()>,
    /// Completes when the thread has ended, even by a panic.
    ended: oneshot::Receiver<()>,
}

impl SinkConfig {
    /// A sink with the default limits.
    pub fn new(name: impl Into<String>, endpoint: Endpoint) -> Self {
        Self {
            name: name.into(),
            endpoint,
            memory_bytes: 48_000_000,
            spool: None,
            max_age: Duration::from_mins(65),
            backoff: Backoff::default(),
            max_search_requests: 256,
        }
    }
}

impl Config {
    /// A relay to these sinks with the default limits.
    pub fn new(sinks: Vec<SinkConfig>) -> Self {
        Self {
            packing: Packing::default(),
            intake_bytes: 32_000_000,
            cluster_bytes: 16_000_000,
            journal: None,
            sinks,
        }
    }
}

impl Relay {
    /// Starts the relay and continues with what earlier processes left in its spools and its journal.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let Config { packing, intake_bytes, cluster_bytes, journal, sinks } = config;
        let (counts, excess) = (RelayCounts::default(), Excess::default());
        let shards = packing.shards.max(1);
        let sinks: Vec<_> = sinks
            .into_iter()
            .map(|sink| open(sink, shards, &counts, &excess).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let queues: Vec<_> = sinks.iter().map(|sink| Arc::clone(&sink.queue)).collect();
        let journal = journal.map(|directory| open_journal(directory, &counts)).transpose()?;
        // With a journal there are two intakes in a row. The second one has no need for lanes, so it is small.
        let written_bytes = if journal.is_some() { intake_bytes / 4 } else { 0 };
        let limits = IntakeLimits { all: intake_bytes - written_bytes, of_a_cluster: cluster_bytes };
        let intake = Arc::new(Intake::new(limits, counts.clone(), excess.clone()));
        let stop = CancellationToken::new();
        let sending = sinks.clone();
        let mut relay = Self {
            intake,
            sinks,
            queues,
            counts,
            excess,
            next_report: AtomicU64::new(1),
            stop,
            writing: None,
            packing: None,
            sending: None,
        };
        let mut intake = Arc::clone(&relay.intake);
        let mut out = Queues { queues: relay.queues.clone(), journal: None };
        if let Some((journal, left)) = journal {
            let journal = Arc::new(journal);
            out.journal = Some(Arc::clone(&journal));
            let incoming = intake;
            let limits = IntakeLimits { all: written_bytes, of_a_cluster: usize::MAX };
            intake = Arc::new(Intake::new(limits, relay.counts.clone(), relay.excess.clone()));
            let written = Arc::clone(&intake);
            let write = move || write_journal(&incoming, &journal, left, &written);
            relay.writing = Some(Running::begin("relay-journal", write)?);
        }
        let linger = packing.linger;
        let packer = Packer::new(packing, relay.counts.clone(), relay.excess.clone());
        let pack = move || gather_batches(&intake, packer, linger, out);
        relay.packing = Some(Running::begin("relay-pack", pack)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = relay.stop.clone();
        let send = move || {
            runtime.block_on(send_batches(sending, shards, stop));
            // Do not wait for a DNS lookup.
            runtime.shutdown_background();
        };
        relay.sending = Some(Running::begin("relay-send", send)?);
        Ok(relay)
    }

    /// Accepts an exposition. Never waits: if there is no room, expositions of the cluster with the most of them are dropped
    /// and counted.
    pub fn accept(&self, exposition: Exposition) {
        self.push(exposition, 0);
    }

    /// Accepts all expositions of one heartbeat, as [`Self::accept`] does. The series of members that are not among them end.
    pub fn accept_report(
        &self,
        cluster: &ClusterName,
        received: UnixMillis,
        expositions: impl IntoIterator<Item = Exposition>,
    ) {
        let report = self.next_report.fetch_add(1, Ordering::Relaxed);
        for exposition in expositions {
            self.push(exposition, report);
        }
        self.intake.push(Work::Complete(cluster.clone(), report, received));
    }

    fn push(&self, exposition: Exposition, report: u64) {
        if exposition.member.len().max(exposition.service.len()) > MAX_NAME_BYTES {
            return self.counts.drop_expositions(1, Cause::LongName);
        }
        self.intake.push(Work::Read(Received { exposition, number: None, report }));
    }

    /// The largest exposition that is accepted, in bytes.
    pub fn max_exposition_bytes(&self) -> usize {
        self.intake.max_exposition_bytes()
    }

    /// The budgets that a cluster exceeds, so that some of its metrics are left out.
    pub fn exceeded(&self, cluster: &ClusterName) -> Vec<Budget> {
        self.excess.of(cluster)
    }

    /// Ends the series of a cluster that left or is lost.
    pub fn end(&self, cluster: ClusterName) {
        self.intake.push(Work::End(cluster, UnixMillis::now()));
    }

    /// The clusters whose series this unit relayed and that have not reported to it since that time. They may report to
    /// another unit now: ask the database before ending their series.
    pub async fn silent_since(&self, time: UnixMillis) -> Vec<ClusterName> {
        let (reply, silent) = oneshot::channel();
        self.intake.push(Work::ListSilent(time, reply));
        silent.await.unwrap_or_default()
    }

    /// The relay's own metrics.
    pub fn counts(&self) -> &RelayCounts {
        &self.counts
    }

    /// The status of each sink.
    pub fn sinks(&self) -> Vec<SinkStatus> {
        self.sinks.iter().map(|sink| sink.counts.status(sink.gate.state())).collect()
    }

    /// Accepts no more expositions, parses those that are waiting, and gives the sinks this long to accept what is queued.
    /// What is then left in a spool stays there.
    pub async fn shut_down(mut self, timeout: Duration) {
        self.intake.close();
        for thread in [self.writing.take(), self.packing.take()].into_iter().flatten() {
            thread.join().await;
        }
        let queues = self.queues.clone();
        let emptied = async {
            for queue in &queues {
                queue.emptied().await;
            }
        };
        let _ = tokio::time::timeout(timeout, emptied).await;
        self.stop.cancel();
        if let Some(sending) = self.sending.take() {
            sending.join().await;
        }
        for queue in &self.queues {
            queue.sync();
            queue.count_lost();
        }
    }
}

impl Running {
    fn begin(name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _end: oneshot::Sender<()> = end;
            work();
        })?;
        Ok(Self { name, thread, ended })
    }

    /// Waits until the thread has ended, but not forever: a disk may hang. Never blocks the runtime.
    async fn join(self) {
        let Self { name, thread, ended } = self;
        match tokio::time::timeout(THREAD_JOIN_TIMEOUT, ended).await {
            // The thread has nothing left to do, so this does not block.
            Ok(_) if thread.join().is_ok() => {}
            Ok(_) => tracing::error!(name, "a thread of the relay panicked"),
            Err(_) => tracing::error!(name, "a thread of the relay has not ended in time"),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.intake.close();
        self.stop.cancel();
    }
}

fn open(config: SinkConfig, shards: u16, counts: &RelayCounts, excess: &Excess) -> Result<Sink, StartError> {
    let SinkConfig { name, endpoint, memory_bytes, spool, max_age, backoff, max_search_requests } = config;
    let sender =
        Sender::new(&endpoint).map_err(|error| StartError::Endpoint { sink: name.clone(), error })?;
    let spool = match spool {
        None => None,
        Some(SpoolConfig { directory, bytes }) => {
            let opened = Spool::open(&directory, bytes);
            Some(opened.map_err(|error| StartError::Spool { directory, error })?)
        }
    };
    let counts = counts.of_sink(&name);
    let queue = Arc::new(Queue::new(shards, memory_bytes, spool, counts.clone(), excess.clone()));
    Ok(Sink { name, queue, sender, gate: Gate::new(backoff), counts, max_age, max_search_requests })
}

fn open_journal(
    directory: PathBuf,
    counts: &RelayCounts,
) -> Result<(Journal, Vec<(u64, Exposition)>), StartError> {
    let opened = Journal::open(&directory, counts.clone());
    opened.map_err(|error| StartError::Journal { directory, error })
}
