//! The state file: joined clusters with their keys, one JSON object per line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Address, Fingerprint};
use serde::{Deserialize, Serialize};

use super::error::SimError;
use crate::client::{ClusterClient, Keys};

/// A state file that is open for appending.
pub(super) struct StateFile(Mutex<File>);

/// A line of the state file.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    addresses: Vec<Address>,
    fingerprint: Fingerprint,
    certificate: String,
    key: String,
}

/// Loads the clusters of a state file. A missing file holds none.
pub(super) fn load(path: &Path) -> Result<Vec<ClusterClient>, SimError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SimError::File { path: path.to_owned(), source }),
    };
    let mut clusters = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|source| SimError::File { path: path.to_owned(), source })?;
        let problem = |problem| SimError::State { path: path.to_owned(), line: index + 1, problem };
        let line: Line = serde_json::from_str(&line).map_err(|error| problem(error.to_string()))?;
        let keys =
            Keys::from_pem(&line.certificate, &line.key).map_err(|error| problem(error.to_string()))?;
        clusters.push(ClusterClient::new(line.name, line.addresses, line.fingerprint, Arc::new(keys))?);
    }
    Ok(clusters)
}

impl StateFile {
    pub(super) fn open(path: &Path) -> Result<Self, SimError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| SimError::File { path: path.to_owned(), source })?;
        Ok(Self(Mutex::new(file)))
    }

    /// Appends a cluster with a single write, so that a killed run keeps every joined cluster.
    pub(super) fn append(&self, cluster: &ClusterClient) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(&Line {
            name: cluster.name.clone(),
            addresses: cluster.addresses.clone(),
            fingerprint: cluster.fingerprint,
            certificate: cluster.keys.certificate_pem(),
            key: cluster.keys.key_pem(),
        })?;
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_clusters_are_loaded_with_their_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet");
        let keys = Arc::new(Keys::generate("x").unwrap());
        let cluster =
            ClusterClient::new("a/b", vec!["hub:1".parse().unwrap()], keys.fingerprint(), keys).unwrap();
        let file = StateFile::open(&path).unwrap();
        file.append(&cluster).unwrap();
        file.append(&cluster).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.len(), 2);
        assert_eq!(loaded[0].name, "a/b");
        assert_eq!(loaded[0].keys.fingerprint(), cluster.keys.fingerprint());
    }

    #[test]
    fn error_names_the_invalid_line_of_a_state_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet");
        std::fs::write(&path, "{}\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("fleet, line 1: missing field"), "{error}");
    }
}
