//! The agent's folder: its keys, which hub it joined, and how the last heartbeat went.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{Address, Fingerprint};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::client::{ClientError, Keys, Site};

const SITE: &str = "site.json";
const LAST_BEAT: &str = "last-beat.json";

/// The folder, readable by its owner alone.
#[derive(Debug, Clone)]
pub struct StateDir(PathBuf);

/// Which of the agent's two identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// By this one the hub knows the cluster.
    Cluster,
    /// By this one the members of the cluster know the agent when it reads their metrics.
    Metrics,
}

/// The hub that the cluster joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Where the hub is.
    pub addresses: Vec<Address>,
    /// The hub's pinned certificate.
    pub fingerprint: Fingerprint,
    /// The name under which the cluster joined.
    pub server_name: String,
    /// When it joined.
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
}

/// How the last heartbeat went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBeat {
    /// When it was sent.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What went wrong; nothing if the hub took it.
    pub error: Option<String>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or the folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path} is damaged: {problem}")]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl StateDir {
    /// Opens the folder, or makes it. Others lose any access to it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::File { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Self(path.to_owned()))
    }

    /// One of the agent's identities, made when it is first asked for.
    pub fn keys(&self, which: Identity) -> Result<Arc<Keys>, StateError> {
        let (certificate, key) = which.files();
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

    /// The hub that the cluster joined, if it did.
    pub fn joined(&self) -> Result<Option<Joined>, StateError> {
        self.read_json(SITE)
    }

    /// The joined cluster, ready to call its hub.
    pub fn site(&self, joined: &Joined) -> Result<Site, StateError> {
        let keys = self.keys(Identity::Cluster)?;
        Site::new(&joined.server_name, joined.addresses.clone(), joined.fingerprint, keys)
            .map_err(|error| StateError::Damaged { path: self.0.clone(), problem: error.to_string() })
    }

    /// Remembers the hub that a site has just joined.
    pub fn remember(&self, site: &Site) -> Result<(), StateError> {
        self.write_json(
            SITE,
            &Joined {
                addresses: site.addresses.clone(),
                fingerprint: site.fingerprint,
                server_name: site.name.clone(),
                joined_at: OffsetDateTime::now_utc(),
            },
        )
    }

    /// Forgets the hub. The keys stay: the next hub will know the cluster by them.
    pub fn forget(&self) -> Result<(), StateError> {
        self.remove(SITE)?;
        self.remove(LAST_BEAT)
    }

    /// How the last heartbeat went, if there was one.
    pub fn last_beat(&self) -> Result<Option<LastBeat>, StateError> {
        self.read_json(LAST_BEAT)
    }

    /// Notes how a heartbeat went.
    pub fn note_beat(&self, error: Option<String>) -> Result<(), StateError> {
        self.write_json(LAST_BEAT, &LastBeat { at: OffsetDateTime::now_utc(), error })
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

    /// The file has its old or its new contents, never a part of them, whenever the machine stops.
    fn write(&self, name: &str, contents: &[u8]) -> Result<(), StateError> {
        let path = self.0.join(name);
        let new = self.0.join(format!("{name}.new"));
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(contents)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        })();
        written.map_err(|source| StateError::File { path, source })
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
    fn nobody_else_may_read_the_folder_or_the_keys() {
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
    fn keys_are_made_once_and_each_identity_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let first = state.keys(Identity::Cluster).unwrap().fingerprint();
        assert_eq!(state.keys(Identity::Cluster).unwrap().fingerprint(), first);
        assert_ne!(state.keys(Identity::Metrics).unwrap().fingerprint(), first);
    }

    #[test]
    fn the_hub_is_remembered_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        assert_eq!(state.joined().unwrap(), None);
        let keys = state.keys(Identity::Cluster).unwrap();
        let site = Site::new("a/b", vec!["hub:1".parse().unwrap()], keys.fingerprint(), keys).unwrap();
        state.remember(&site).unwrap();
        state.note_beat(None).unwrap();
        let joined = state.joined().unwrap().unwrap();
        assert_eq!((joined.server_name.as_str(), joined.addresses.as_slice()), ("a/b", &site.addresses[..]));
        assert_eq!(state.site(&joined).unwrap().keys.fingerprint(), site.keys.fingerprint());
        state.forget().unwrap();
        assert_eq!((state.joined().unwrap(), state.last_beat().unwrap()), (None, None));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("site.json"), "{").unwrap();
        let error = state.joined().unwrap_err().to_string();
        assert!(error.contains("site.json is damaged: "), "{error}");
    }
}
