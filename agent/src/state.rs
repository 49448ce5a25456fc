//! The agent's state folder: its keys, the hub that it joined and the outcome of the last heartbeat.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{Address, Fingerprint};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::client::{ClientError, ClusterClient, Keys};

// Existing installations have files of these names.
const JOINED_FILE: &str = "site.json";
const LAST_HEARTBEAT_FILE: &str = "last-beat.json";

/// The state folder, which only its owner can read.
#[derive(Debug, Clone)]
pub struct StateDir(PathBuf);

/// The agent's identities, each with its own key and certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Identifies the cluster to the hub.
    Cluster,
    /// Identifies the agent to the other members when it reads their metrics.
    Metrics,
}

/// The hub that the cluster joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The addresses of the hub.
    pub addresses: Vec<Address>,
    /// The pinned fingerprint of the hub's certificate.
    pub fingerprint: Fingerprint,
    /// The cluster's name on the hub.
    pub server_name: String,
    /// The time at which the cluster joined.
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
}

/// The outcome of the last heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastHeartbeat {
    /// The time at which it was accepted or failed.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The error; absent if the hub accepted it.
    pub error: Option<String>,
}

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or the folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The path of the file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file has unexpected contents.
    #[error("{path} is damaged: {problem}")]
    Damaged {
        /// The path of the file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
}

impl StateDir {
    /// Opens the folder and creates it if necessary. Only its owner keeps access.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::File { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Self(path.to_owned()))
    }

    /// The keys of an identity, generated on first use.
    pub fn keys(&self, identity: Identity) -> Result<Arc<Keys>, StateError> {
        let (certificate, key) = identity.files();
        let damaged =
            |error: ClientError| StateError::Damaged { path: self.0.join(key), problem: error.to_string() };
        if let (Some(certificate), Some(key)) = (self.read(certificate)?, self.read(key)?) {
            return Keys::from_pem(&certificate, &key).map(Arc::new).map_err(damaged);
        }
        let keys = Keys::generate("cluster-agent").map_err(damaged)?;
        self.write(key, keys.key_pem().as_bytes())?;
        self.write(certificate, keys.certificate_pem().as_bytes())?;
        Ok(Arc::new(keys))
    }

    /// The hub that the cluster joined, if any.
    pub fn joined(&self) -> Result<Option<Joined>, StateError> {
        self.read_json(JOINED_FILE)
    }

    /// The client for the joined hub.
    pub fn cluster(&self, joined: &Joined) -> Result<ClusterClient, StateError> {
        let keys = self.keys(Identity::Cluster)?;
        ClusterClient::new(&joined.server_name, joined.addresses.clone(), joined.fingerprint, keys)
            .map_err(|error| StateError::Damaged { path: self.0.clone(), problem: error.to_string() })
    }

    /// Stores the hub that the cluster has just joined.
    pub fn remember(&self, cluster: &ClusterClient) -> Result<(), StateError> {
        self.write_json(
            JOINED_FILE,
            &Joined {
                addresses: cluster.addresses.clone(),
                fingerprint: cluster.fingerprint,
                server_name: cluster.name.clone(),
                joined_at: OffsetDateTime::now_utc(),
            },
        )
    }

    /// Forgets the hub. The keys stay and identify the cluster to the next hub.
    pub fn forget(&self) -> Result<(), StateError> {
        self.remove(JOINED_FILE)?;
        self.remove(LAST_HEARTBEAT_FILE)
    }

    /// The outcome of the last heartbeat, if there was one.
    pub fn last_heartbeat(&self) -> Result<Option<LastHeartbeat>, StateError> {
        self.read_json(LAST_HEARTBEAT_FILE)
    }

    /// Stores the outcome of a heartbeat.
    pub fn record_heartbeat(&self, error: Option<String>) -> Result<(), StateError> {
        self.write_json(LAST_HEARTBEAT_FILE, &LastHeartbeat { at: OffsetDateTime::now_utc(), error })
    }

    fn read(&self, name: &str) -> Result<Option<String>, StateError> {
        let path = self.0.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::File { path, source }),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StateError> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| StateError::Damaged { path: self.0.join(name), problem: error.to_string() })
    }

    fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StateError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| StateError::Damaged { path: self.0.join(name), problem: error.to_string() })?;
        self.write(name, &text)
    }

    /// Writes a file atomically: after a crash it has either its old or its new contents.
    fn write(&self, name: &str, contents: &[u8]) -> Result<(), StateError> {
        let path = self.0.join(name);
        let new = self.0.join(format!("{name}.new"));
        let result = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(contents)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        })();
        result.map_err(|source| StateError::File { path, source })
    }

    fn remove(&self, name: &str) -> Result<(), StateError> {
        let path = self.0.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(StateError::File { path, source }),
            _ => Ok(()),
        }
    }
}

impl Identity {
    fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::Cluster => ("cluster.crt", "cluster.key"),
            Self::Metrics => ("metrics.crt", "metrics.key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_keys_are_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let state = StateDir::open(&path).unwrap();
        state.keys(Identity::Cluster).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("cluster.key")), 0o600);
    }

    #[test]
    fn keys_are_generated_once_per_identity() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let first = state.keys(Identity::Cluster).unwrap().fingerprint();
        assert_eq!(state.keys(Identity::Cluster).unwrap().fingerprint(), first);
        assert_ne!(state.keys(Identity::Metrics).unwrap().fingerprint(), first);
    }

    #[test]
    fn joined_hub_is_stored_until_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        assert_eq!(state.joined().unwrap(), None);
        let keys = state.keys(Identity::Cluster).unwrap();
        let cluster =
            ClusterClient::new("a/b", vec!["hub:1".parse().unwrap()], keys.fingerprint(), keys).unwrap();
        state.remember(&cluster).unwrap();
        state.record_heartbeat(None).unwrap();
        let joined = state.joined().unwrap().unwrap();
        assert_eq!(
            (joined.server_name.as_str(), joined.addresses.as_slice()),
            ("a/b", &cluster.addresses[..])
        );
        assert_eq!(state.cluster(&joined).unwrap().keys.fingerprint(), cluster.keys.fingerprint());
        state.forget().unwrap();
        assert_eq!((state.joined().unwrap(), state.last_heartbeat().unwrap()), (None, None));
    }

    #[test]
    fn error_names_the_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("site.json"), "{").unwrap();
        let error = state.joined().unwrap_err().to_string();
        assert!(error.contains("site.json is damaged: "), "{error}");
    }
}
