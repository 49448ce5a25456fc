//! The simulated sites: loaded from an earlier run, joined with tokens, kept for the next run.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use protocol::{Address, Fingerprint, JoinToken};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::measure::Measure;
use super::{Options, SimError};
use crate::client::{ClientError, Keys, Network, Site, Tls};

/// How often a join is tried again that was told to come back later.
const JOIN_TRIES: u32 = 50;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// All sites of a simulation.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) sites: Vec<Arc<Member>>,
}

/// One simulated site.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) index: usize,
    pub(super) site: Site,
    /// Whether its last beat is still under way; a site never has two.
    pub(super) busy: AtomicBool,
}

/// A line of the state file.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    addresses: Vec<Address>,
    fingerprint: Fingerprint,
    certificate: String,
    key: String,
}

/// What all joins share.
struct Joining {
    options: Options,
    tls: Arc<Tls>,
    measure: Arc<Measure>,
    keep: Option<Mutex<File>>,
}

impl Fleet {
    pub(super) async fn assemble(
        options: &Options,
        tls: &Arc<Tls>,
        measure: &Arc<Measure>,
    ) -> Result<Self, SimError> {
        let wanted = options.sites.unwrap_or(usize::MAX);
        let mut sites = options.state.as_deref().map(load).transpose()?.unwrap_or_default();
        sites.truncate(wanted);
        let known: HashSet<&str> = sites.iter().map(|site| site.name.as_str()).collect();
        let mut tokens = read_tokens(options)?;
        tokens.retain(|token| {
            JoinToken::decode(token).map_or(true, |t| !known.contains(t.server_name.as_str()))
        });
        tokens.truncate(wanted - sites.len());

        let found = sites.len() + tokens.len();
        if found == 0 {
            return Err(SimError::NoSites);
        }
        if options.sites.is_some_and(|wanted| found < wanted) {
            return Err(SimError::TooFewSites { wanted, found });
        }
        if !tokens.is_empty() {
            let keep = options.state.as_deref().map(open_for_keeping).transpose()?.map(Mutex::new);
            let joining = Joining {
                options: options.clone(),
                tls: Arc::clone(tls),
                measure: Arc::clone(measure),
                keep,
            };
            sites.extend(join_all(Arc::new(joining), tokens).await);
        }
        measure.sites.store(sites.len() as u64, Relaxed);
        let members = sites.into_iter().enumerate().map(|(index, site)| {
            let site = site.with_tls(Arc::clone(tls)).with_network(network(options, index));
            Arc::new(Member { index, site, busy: AtomicBool::new(false) })
        });
        Ok(Self { sites: members.collect() })
    }
}

async fn join_all(joining: Arc<Joining>, tokens: Vec<String>) -> Vec<Site> {
    let places = Arc::new(Semaphore::new(joining.options.join_concurrency.max(1)));
    let mut tasks = JoinSet::new();
    joining.measure.joining();
    for (index, token) in tokens.into_iter().enumerate() {
        let (joining, places) = (Arc::clone(&joining), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire().await;
            let joined = join_one(&joining, &token, index).await;
            joining.measure.joining();
            joined
        });
    }
    let mut sites = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok(Ok(site)) => sites.push(site),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a join failed");
                joining.measure.join_failed(error.kind());
            }
            Err(_) => joining.measure.join_failed("panic".to_owned()),
        }
    }
    sites
}

async fn join_one(joining: &Joining, token: &str, index: usize) -> Result<Site, ClientError> {
    let keys = Arc::new(Keys::generate("fleetsim")?);
    let site = Site::from_token(token, keys)?
        .with_tls(Arc::clone(&joining.tls))
        .with_network(network(&joining.options, index));
    let mut tries = 0;
    loop {
        tries += 1;
        match site.join(token, joining.options.proof).await {
            Ok(_) => break,
            Err(ClientError::Refused { status, retry_after, .. })
                if tries < JOIN_TRIES
                    && matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) =>
            {
                tokio::time::sleep(
                    retry_after.unwrap_or_default().clamp(Duration::from_millis(200), LONGEST_WAIT),
                )
                .await;
            }
            Err(error) => return Err(error),
        }
    }
    joining.measure.joined(&site.name);
    if let Some(file) = &joining.keep
        && let Err(error) = keep(file, &site)
    {
        tracing::error!(%error, "a joined site could not be kept");
    }
    Ok(site)
}

fn network(options: &Options, index: usize) -> Network {
    Network {
        connect_to: options.connect_to,
        source: options.spread_sources.then(|| source(index)),
        timeout: options.timeout,
    }
}

/// A loopback address whose /24 is the site's own, for the first 16384 sites.
fn source(index: usize) -> IpAddr {
    let byte = |shift: usize, mask: usize| u8::try_from((index >> shift) & mask).unwrap_or_default();
    Ipv4Addr::new(127, 64 + byte(8, 0x3f), byte(0, 0xff), 1 + byte(14, 0x7f)).into()
}

fn read_tokens(options: &Options) -> Result<Vec<String>, SimError> {
    let mut tokens = options.tokens.clone();
    if let Some(path) = &options.tokens_from {
        let mut text = String::new();
        let read = if path.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut text)
        } else {
            File::open(path).and_then(|mut file| file.read_to_string(&mut text))
        };
        read.map_err(|source| SimError::File { path: path.clone(), source })?;
        tokens.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(tokens)
}

fn load(path: &Path) -> Result<Vec<Site>, SimError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SimError::File { path: path.to_owned(), source }),
    };
    let mut sites = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|source| SimError::File { path: path.to_owned(), source })?;
        let problem = |problem| SimError::State { path: path.to_owned(), line: number + 1, problem };
        let kept: Kept = serde_json::from_str(&line).map_err(|error| problem(error.to_string()))?;
        let keys =
            Keys::from_pem(&kept.certificate, &kept.key).map_err(|error| problem(error.to_string()))?;
        sites.push(Site::new(kept.name, kept.addresses, kept.fingerprint, Arc::new(keys))?);
    }
    Ok(sites)
}

fn open_for_keeping(path: &Path) -> Result<File, SimError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| SimError::File { path: path.to_owned(), source })
}

/// One line, one write: a killed run leaves every joined site behind.
fn keep(file: &Mutex<File>, site: &Site) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(&Kept {
        name: site.name.clone(),
        addresses: site.addresses.clone(),
        fingerprint: site.fingerprint,
        certificate: site.keys.certificate_pem(),
        key: site.keys.key_pem(),
    })?;
    line.push(b'\n');
    file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_come_from_networks_of_their_own() {
        assert_eq!(source(0).to_string(), "127.64.0.1");
        assert_eq!(source(257).to_string(), "127.65.1.1");
        assert_eq!(source(16384).to_string(), "127.64.0.2");
        let all: HashSet<_> = (0..100_000).map(source).collect();
        assert_eq!(all.len(), 100_000);
    }

    #[test]
    fn kept_sites_come_back_with_their_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet");
        let keys = Arc::new(Keys::generate("x").unwrap());
        let site = Site::new("a/b", vec!["hub:1".parse().unwrap()], keys.fingerprint(), keys).unwrap();
        let file = Mutex::new(open_for_keeping(&path).unwrap());
        keep(&file, &site).unwrap();
        keep(&file, &site).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.len(), 2);
        assert_eq!(loaded[0].name, "a/b");
        assert_eq!(loaded[0].keys.fingerprint(), site.keys.fingerprint());
    }

    #[test]
    fn a_spoilt_state_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet");
        std::fs::write(&path, "{}\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("fleet, line 1: missing field"), "{error}");
    }
}
