//! Puts it together: sinks with their queues and spools, a journal, and the threads between them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::ClusterName;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::counts::{Cause, RelayCounts};
use crate::intake::{Exposition, Intake, Work};
use crate::journal::Journal;
use crate::lane::{Gate, Lanes};
use crate::packer::{Packer, Packing};
use crate::queue::Queue;
use crate::sender::{Endpoint, InvalidEndpoint, Sender};
use crate::spool::Spool;
use crate::standing::SinkStanding;
use crate::threads::{Queues, pack, send, write};
use crate::time::UnixMillis;

/// The longest name of a member or a service, in bytes. It stands in every series.
const LONGEST_NAME: usize = 255;

/// How long a thread may take to end: reading what was handed in takes some seconds at most.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// What a relay is to do.
#[derive(Debug, Clone)]
pub struct Config {
    /// How expositions become batches.
    pub packing: Packing,
    /// The bytes of expositions that may wait to be read.
    pub intake_bytes: usize,
    /// The folder, of this unit alone, where what was handed in is kept until it is in the sinks' spools. It needs one
    /// where there are spools: without it, a process that is killed loses what came within a linger.
    pub journal: Option<PathBuf>,
    /// Where the samples go.
    pub sinks: Vec<SinkConfig>,
}

/// One sink. Make one with [`SinkConfig::new`].
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// What it is called in counters and logs; its spool's folder too.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The bytes that may wait for it in memory, compressed: some 15 a sample.
    pub memory_bytes: usize,
    /// What may wait for it on disk, if anything.
    pub spool: Option<SpoolConfig>,
    /// How old samples may become. Prometheus takes an hour's age, unless it has an out-of-order window.
    pub oldest: Duration,
    /// How it is left alone while it fails.
    pub backoff: Backoff,
    /// The most requests that are made to find what it refuses in a batch.
    pub searches: u32,
}

/// A spool on disk.
#[derive(Debug, Clone)]
pub struct SpoolConfig {
    /// Its folder, for this sink of this unit alone.
    pub directory: PathBuf,
    /// The most bytes in it.
    pub bytes: u64,
}

/// Why a relay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A sink cannot be written to as it is configured.
    #[error("the sink {sink:?}: {error}")]
    Endpoint {
        /// Its name.
        sink: String,
        /// Why.
        error: InvalidEndpoint,
    },
    /// A spool cannot be opened.
    #[error("the spool in {}: {error}", directory.display())]
    Spool {
        /// Its folder.
        directory: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The journal cannot be opened.
    #[error("the journal in {}: {error}", directory.display())]
    Journal {
        /// Its folder.
        directory: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// A relay that is running. Dropped without [`Relay::shut_down`], it stops as if the process had been killed.
pub struct Relay {
    intake: Arc<Intake>,
    sinks: Vec<Arc<Lanes>>,
    queues: Vec<Arc<Queue>>,
    counts: RelayCounts,
    stop: CancellationToken,
    writing: Option<Running>,
    packing: Option<Running>,
    sending: Option<Running>,
}

/// A thread of its own.
struct Running {
    name: &'static str,
    thread: JoinHandle<()>,
    /// Answers when it has ended, one way or the other.
    ended: oneshot::Receiver<()>,
}

impl SinkConfig {
    /// A sink with what serves most.
    pub fn new(name: impl Into<String>, endpoint: Endpoint) -> Self {
        Self {
            name: name.into(),
            endpoint,
            memory_bytes: 128 * 1024 * 1024,
            spool: None,
            oldest: Duration::from_mins(65),
            backoff: Backoff::default(),
            searches: 256,
        }
    }
}

impl Config {
    /// A relay to these sinks, with what serves most.
    pub fn new(sinks: Vec<SinkConfig>) -> Self {
        Self { packing: Packing::default(), intake_bytes: 128 * 1024 * 1024, journal: None, sinks }
    }
}

impl Relay {
    /// Starts it, and goes on with what earlier processes left in its spools and its journal.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let Config { packing, intake_bytes, journal, sinks } = config;
        let counts = RelayCounts::default();
        let lanes = packing.lanes.max(1);
        let sinks: Vec<_> = sinks
            .into_iter()
            .map(|sink| open(sink, lanes, &counts).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let queues: Vec<_> = sinks.iter().map(|sink| Arc::clone(&sink.queue)).collect();
        let journal = journal.map(|directory| open_journal(directory, &counts)).transpose()?;
        // With a journal there are two, one after the other.
        let intake_bytes = if journal.is_some() { intake_bytes / 2 } else { intake_bytes };
        let intake = Arc::new(Intake::new(intake_bytes, counts.clone()));
        let stop = CancellationToken::new();
        let sending = sinks.clone();
        let mut relay =
            Self { intake, sinks, queues, counts, stop, writing: None, packing: None, sending: None };
        let mut intake = Arc::clone(&relay.intake);
        let mut out = Queues { queues: relay.queues.clone(), journal: None };
        if let Some((journal, left)) = journal {
            let journal = Arc::new(journal);
            out.journal = Some(Arc::clone(&journal));
            let handed_in = intake;
            intake = Arc::new(Intake::new(intake_bytes, relay.counts.clone()));
            let written = Arc::clone(&intake);
            let write = move || write(&handed_in, &journal, left, &written);
            relay.writing = Some(Running::begin("relay-journal", write)?);
        }
        let linger = packing.linger;
        let packer = Packer::new(packing, relay.counts.clone());
        let pack = move || pack(&intake, packer, linger, out);
        relay.packing = Some(Running::begin("relay-pack", pack)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = relay.stop.clone();
        let send = move || {
            runtime.block_on(send(sending, lanes, stop));
            // A name that is being looked up is nothing to wait for.
            runtime.shutdown_background();
        };
        relay.sending = Some(Running::begin("relay-send", send)?);
        Ok(relay)
    }

    /// Takes an exposition. It never waits: where there is no room, the oldest go, and are counted.
    pub fn accept(&self, exposition: Exposition) {
        if exposition.member.len().max(exposition.service.len()) > LONGEST_NAME {
            return self.counts.drop_expositions(1, Cause::LongName);
        }
        self.intake.push(Work::Read(exposition, None));
    }

    /// The cluster left, or is known to be silent: its series end now.
    pub fn end(&self, cluster: ClusterName) {
        self.intake.push(Work::End(cluster, UnixMillis::now()));
    }

    /// The clusters whose series this unit relayed, and which it has not heard since. Another unit may hear them now:
    /// ask the database before they are ended.
    pub async fn silent_since(&self, moment: UnixMillis) -> Vec<ClusterName> {
        let (answer, silent) = oneshot::channel();
        self.intake.push(Work::WhoIsSilent(moment, answer));
        silent.await.unwrap_or_default()
    }

    /// What it counts of itself.
    pub fn counts(&self) -> &RelayCounts {
        &self.counts
    }

    /// How each sink stands.
    pub fn sinks(&self) -> Vec<SinkStanding> {
        let standing = |sink: &Arc<Lanes>| sink.counts.standing(sink.gate.state());
        self.sinks.iter().map(standing).collect()
    }

    /// Takes nothing more, reads what was handed in, and gives the sinks so long to take what is left. What is in a
    /// spool then stays there.
    pub async fn shut_down(mut self, patience: Duration) {
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
        let _ = tokio::time::timeout(patience, emptied).await;
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

    /// Waits until it has ended, but not for ever: a disk may hang. Nothing of the runtime is kept waiting then.
    async fn join(self) {
        let Self { name, thread, ended } = self;
        match tokio::time::timeout(ENDS_WITHIN, ended).await {
            // It has nothing left to do: this takes no time.
            Ok(_) if thread.join().is_ok() => {}
            Ok(_) => tracing::error!(name, "a thread of the relay has panicked"),
            Err(_) => tracing::error!(name, "a thread of the relay does not end"),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.intake.close();
        self.stop.cancel();
    }
}

fn open(config: SinkConfig, lanes: u16, counts: &RelayCounts) -> Result<Lanes, StartError> {
    let SinkConfig { name, endpoint, memory_bytes, spool, oldest, backoff, searches } = config;
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
    let queue = Arc::new(Queue::new(lanes, memory_bytes, spool, counts.clone()));
    Ok(Lanes { name, queue, sender, gate: Gate::new(backoff), counts, oldest, searches })
}

fn open_journal(
    directory: PathBuf,
    counts: &RelayCounts,
) -> Result<(Journal, Vec<(u64, Exposition)>), StartError> {
    let opened = Journal::open(&directory, counts.clone());
    opened.map_err(|error| StartError::Journal { directory, error })
}
