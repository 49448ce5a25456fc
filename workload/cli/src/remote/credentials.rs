//! The file in which `login` keeps the sign-in for each hub. Only its owner can read it.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use protocol::Fingerprint;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use time::OffsetDateTime;

use super::{HubAddress, Trust};
use crate::{Failure, private_file};

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The hub of the last sign-in, which commands use if no hub is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    hubs: BTreeMap<String, Entry>,
}

/// What is kept for one hub.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Fingerprint>,
    /// The sign-in.
    pub(crate) sign_in: SignIn,
}

/// A sign-in to a hub.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum SignIn {
    /// As a service account.
    ServiceAccount {
        /// The token.
        #[serde(serialize_with = "expose")]
        token: SecretString,
    },
    /// As a person, through the identity provider.
    Provider {
        /// The issuer of the provider.
        issuer: String,
        /// The client id of this program at the provider.
        client_id: String,
        /// The token that is sent to the hub.
        #[serde(serialize_with = "expose")]
        access_token: SecretString,
        /// When the access token expires, if the provider states it.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
        expires_at: Option<OffsetDateTime>,
        /// The token that gets the next access token.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "expose_some")]
        refresh_token: Option<SecretString>,
    },
}

/// The file, locked by this process. If two commands want to refresh a token, the second finds it refreshed.
pub(crate) struct Locked {
    path: PathBuf,
    /// Unlocks when it is dropped.
    _lock: File,
}

fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "the signature that serde requires")]
fn expose_some<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

// === impl Credentials ===

impl Credentials {
    /// Reads the file. Empty if there is none.
    pub(crate) fn load() -> Result<Self, Failure> {
        match folder() {
            Some(folder) => read(&folder.join("credentials.json")),
            None => Ok(Self::default()),
        }
    }

    /// Returns what is kept for a hub.
    pub(crate) fn entry(&self, hub: &HubAddress) -> Option<&Entry> {
        self.hubs.get(&hub.to_string())
    }

    /// Keeps a sign-in and makes its hub the current one.
    pub(crate) fn keep(&mut self, hub: &HubAddress, entry: Entry) {
        self.hubs.insert(hub.to_string(), entry);
        self.current = Some(hub.to_string());
    }

    /// Forgets a sign-in. Returns whether there was one.
    pub(crate) fn forget(&mut self, hub: &HubAddress) -> bool {
        let name = hub.to_string();
        if self.current.as_ref() == Some(&name) {
            self.current = None;
        }
        self.hubs.remove(&name).is_some()
    }

    /// Changes the file under the lock.
    pub(crate) fn change<T>(change: impl FnOnce(&mut Self) -> T) -> Result<T, Failure> {
        let locked = Self::lock()?;
        let mut credentials = locked.load()?;
        let outcome = change(&mut credentials);
        locked.store(&credentials)?;
        Ok(outcome)
    }

    /// Locks the file until the result is dropped.
    pub(crate) fn lock() -> Result<Locked, Failure> {
        let folder = folder().ok_or_else(|| {
            Failure::Other("there is no folder for credentials: set HOME or XDG_CONFIG_HOME".to_owned())
        })?;
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at(&folder))?;
        let path = folder.join("credentials.lock");
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(at(&path))?;
        lock.lock().map_err(at(&path))?;
        Ok(Locked { path: folder.join("credentials.json"), _lock: lock })
    }
}

// === impl Locked ===

impl Locked {
    /// Reads the file.
    pub(crate) fn load(&self) -> Result<Credentials, Failure> {
        read(&self.path)
    }

    /// Replaces the file.
    pub(crate) fn store(&self, credentials: &Credentials) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(credentials).map_err(Failure::other)?;
        private_file::write(&self.path, &text).map_err(at(&self.path))
    }
}

// === impl Entry ===

impl Entry {
    /// Combines a sign-in with how the hub is trusted.
    pub(crate) fn new(trust: &Trust, sign_in: SignIn) -> Self {
        let (ca_file, fingerprint) = match trust {
            Trust::System => (None, None),
            // Later commands may run in other folders.
            Trust::File(path) => (Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())), None),
            Trust::Fingerprint(fingerprint) => (None, Some(*fingerprint)),
        };
        Self { ca_file, fingerprint, sign_in }
    }

    /// Returns how the hub was trusted at sign-in.
    pub(crate) fn trust(&self) -> Trust {
        match (&self.ca_file, self.fingerprint) {
            (_, Some(fingerprint)) => Trust::Fingerprint(fingerprint),
            (Some(path), None) => Trust::File(path.clone()),
            (None, None) => Trust::System,
        }
    }
}

/// `$XDG_CONFIG_HOME/cluster-manager`, or `~/.config/cluster-manager`.
fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let configuration = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(configuration.join("cluster-manager"))
}

fn read(path: &Path) -> Result<Credentials, Failure> {
    let text = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Credentials::default()),
        Err(error) => return Err(at(path)(error)),
        Ok(file) if file.mode() & 0o077 != 0 => {
            let path = path.display();
            return Err(Failure::Other(format!(
                "{path}: other accounts can read it: run chmod 600 {path}, or remove it and sign in again"
            )));
        }
        Ok(_) => std::fs::read_to_string(path).map_err(at(path))?,
    };
    // The error itself may quote the content, which is secret.
    serde_json::from_str(&text).map_err(|error| {
        let (path, line) = (path.display(), error.line());
        Failure::Other(format!(
            "{path}: line {line} is not in the format that `login` writes: remove the file and sign in again"
        ))
    })
}

fn at(path: &Path) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Other(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_sign_in_is_read_again_and_cannot_be_printed() {
        let hub: HubAddress = "https://hub".parse().unwrap();
        let sign_in = SignIn::ServiceAccount { token: SecretString::from("cmsa_canary") };
        let trust = Trust::File("/etc/hub.crt".into());
        let mut credentials = Credentials::default();
        credentials.keep(&hub, Entry::new(&trust, sign_in));
        assert!(!format!("{credentials:?}").contains("canary"));
        let text = serde_json::to_string(&credentials).unwrap();
        let mut read: Credentials = serde_json::from_str(&text).unwrap();
        assert_eq!(read.current.as_deref(), Some("https://hub"));
        let entry = read.entry(&hub).unwrap();
        assert_eq!(entry.trust(), trust);
        let SignIn::ServiceAccount { token } = &entry.sign_in else { panic!("{entry:?}") };
        assert_eq!(token.expose_secret(), "cmsa_canary");
        assert!(read.forget(&hub) && !read.forget(&hub) && read.current.is_none());
    }
}
