//! The simulated clusters: loads them from the state file, and joins more with tokens.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http::StatusCode;
use protocol::JoinToken;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::error::SimError;
use super::measure::Measurements;
use super::options::Options;
use super::state_file::{self, StateFile};
use crate::client::{ClientError, ClusterClient, Keys, Network, Tls};

/// The maximum number of attempts for a join that the hub asks to retry later.
const MAX_JOIN_ATTEMPTS: u32 = 50;
const MIN_JOIN_RETRY_DELAY: Duration = Duration::from_millis(200);
const MAX_JOIN_RETRY_DELAY: Duration = Duration::from_secs(10);

/// All clusters of a simulation.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) clusters: Vec<Arc<SimulatedCluster>>,
}

/// One cluster of a simulation.
#[derive(Debug)]
pub(super) struct SimulatedCluster {
    pub(super) index: usize,
    pub(super) client: ClusterClient,
    /// Whether a heartbeat is in flight. A cluster never has two.
    pub(super) in_flight: AtomicBool,
}

/// What all joins share.
struct Joiner {
    options: Options,
    tls: Arc<Tls>,
    measurements: Arc<Measurements>,
    state_file: Option<StateFile>,
}

impl Fleet {
    /// Loads the clusters of the state file and joins more with the tokens, up to the number requested.
    pub(super) async fn assemble(
        options: &Options,
        tls: &Arc<Tls>,
        measurements: &Arc<Measurements>,
    ) -> Result<Self, SimError> {
        let wanted = options.clusters.unwrap_or(usize::MAX);
        let mut clients = options.state.as_deref().map(state_file::load).transpose()?.unwrap_or_default();
        clients.truncate(wanted);
        let known: HashSet<&str> = clients.iter().map(|client| client.name.as_str()).collect();
        let mut tokens = read_tokens(options)?;
        tokens.retain(|token| {
            JoinToken::decode(token).map_or(true, |token| !known.contains(token.server_name.as_str()))
        });
        tokens.truncate(wanted - clients.len());

        let found = clients.len() + tokens.len();
        if found == 0 {
            return Err(SimError::NoClusters);
        }
        if options.clusters.is_some_and(|wanted| found < wanted) {
            return Err(SimError::TooFewClusters { wanted, found });
        }
        if !tokens.is_empty() {
            let joiner = Joiner {
                options: options.clone(),
                tls: Arc::clone(tls),
                measurements: Arc::clone(measurements),
                state_file: options.state.as_deref().map(StateFile::open).transpose()?,
            };
            clients.extend(join_all(Arc::new(joiner), tokens).await);
        }
        measurements.clusters.store(clients.len() as u64, Relaxed);
        let clusters = clients.into_iter().enumerate().map(|(index, client)| {
            let client = client.with_tls(Arc::clone(tls)).with_network(network(options, index));
            Arc::new(SimulatedCluster { index, client, in_flight: AtomicBool::new(false) })
        });
        Ok(Self { clusters: clusters.collect() })
    }
}

async fn join_all(joiner: Arc<Joiner>, tokens: Vec<String>) -> Vec<ClusterClient> {
    let permits = Arc::new(Semaphore::new(joiner.options.join_concurrency.max(1)));
    let mut tasks = JoinSet::new();
    joiner.measurements.extend_join_phase();
    for (index, token) in tokens.into_iter().enumerate() {
        let (joiner, permits) = (Arc::clone(&joiner), Arc::clone(&permits));
        tasks.spawn(async move {
            let _permit = permits.acquire().await;
            let outcome = join_one(&joiner, &token, index).await;
            joiner.measurements.extend_join_phase();
            outcome
        });
    }
    let mut clients = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        match outcome {
            Ok(Ok(client)) => clients.push(client),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a join failed");
                joiner.measurements.join_failed(error.kind());
            }
            Err(_) => joiner.measurements.join_failed("panic".to_owned()),
        }
    }
    clients
}

async fn join_one(joiner: &Joiner, token: &str, index: usize) -> Result<ClusterClient, ClientError> {
    let keys = Arc::new(Keys::generate("fleetsim")?);
    let client = ClusterClient::from_token(token, keys)?
        .with_tls(Arc::clone(&joiner.tls))
        .with_network(network(&joiner.options, index));
    let mut attempts = 0;
    loop {
        attempts += 1;
        match client.join(token, joiner.options.proof).await {
            Ok(_) => break,
            Err(ClientError::Refused { status, retry_after, .. })
                if attempts < MAX_JOIN_ATTEMPTS
                    && matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) =>
            {
                let delay = retry_after.unwrap_or_default().clamp(MIN_JOIN_RETRY_DELAY, MAX_JOIN_RETRY_DELAY);
                tokio::time::sleep(delay).await;
            }
            Err(error) => return Err(error),
        }
    }
    joiner.measurements.join_acknowledged(&client.name);
    if let Some(file) = &joiner.state_file
        && let Err(error) = file.append(&client)
    {
        tracing::error!(%error, "cannot store a joined cluster in the state file");
    }
    Ok(client)
}

fn network(options: &Options, index: usize) -> Network {
    Network {
        connect_to: options.connect_to,
        source: options.spread_sources.then(|| source_address(index)),
        timeout: options.timeout,
    }
}

/// A loopback address for the cluster with this index. Each of the first 16384 has a /24 network of its own.
fn source_address(index: usize) -> IpAddr {
    let byte = |shift: usize, mask: usize| u8::try_from((index >> shift) & mask).unwrap_or_default();
    Ipv4Addr::new(127, 64 + byte(8, 0x3f), byte(0, 0xff), 1 + byte(14, 0x7f)).into()
}

fn read_tokens(options: &Options) -> Result<Vec<String>, SimError> {
    let mut tokens = options.tokens.clone();
    if let Some(path) = &options.tokens_from {
        let mut text = String::new();
        let result = if path.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut text)
        } else {
            File::open(path).and_then(|mut file| file.read_to_string(&mut text))
        };
        result.map_err(|source| SimError::File { path: path.clone(), source })?;
        tokens.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_addresses_are_in_different_networks() {
        assert_eq!(source_address(0).to_string(), "127.64.0.1");
        assert_eq!(source_address(257).to_string(), "127.65.1.1");
        assert_eq!(source_address(16384).to_string(), "127.64.0.2");
        let all: HashSet<_> = (0..100_000).map(source_address).collect();
        assert_eq!(all.len(), 100_000);
    }
}
