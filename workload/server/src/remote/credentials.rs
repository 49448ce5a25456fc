//! The file in which `login` keeps who we are at which hub, readable by its owner alone.

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
use crate::certificate::write_private;
use crate::failure::Failure;

/// All that is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The hub that was signed in to last: where commands go that say nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    hubs: BTreeMap<String, Entry>,
}

/// What is kept of one hub.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Fingerprint>,
    /// Who we are there.
    pub(crate) sign_in: SignIn,
}

/// Who we are at a hub.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum SignIn {
    /// A service account.
    ServiceAccount {
        /// Its token.
        #[serde(serialize_with = "expose")]
        token: SecretString,
    },
    /// Somebody whom the identity provider knows.
    Provider {
        /// The provider.
        issuer: String,
        /// As which client we are known there.
        client_id: String,
        /// What is sent to the hub.
        #[serde(serialize_with = "expose")]
        access_token: SecretString,
        /// Until when that works; none: nobody said.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
        expires_at: Option<OffsetDateTime>,
        /// What gets the next one.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "expose_some")]
        refresh_token: Option<SecretString>,
    },
}

/// The file, held by this process alone: of two commands that want to refresh a token, the second finds it refreshed.
pub(crate) struct Locked {
    path: PathBuf,
    /// Unlocked when closed.
    _lock: File,
}

fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn expose_some<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

// === impl Credentials ===

impl Credentials {
    /// Reads the file; nothing where there is none.
    pub(crate) fn load() -> Result<Self, Failure> {
        match folder() {
            Some(folder) => read(&folder.join("credentials.json")),
            None => Ok(Self::default()),
        }
    }

    /// What is kept of a hub.
    pub(crate) fn entry(&self, hub: &HubAddress) -> Option<&Entry> {
        self.hubs.get(&hub.to_string())
    }

    /// Keeps a sign-in and makes its hub the current one.
    pub(crate) fn keep(&mut self, hub: &HubAddress, entry: Entry) {
        self.hubs.insert(hub.to_string(), entry);
        self.current = Some(hub.to_string());
    }

    /// Forgets a sign-in; says whether there was one.
    pub(crate) fn forget(&mut self, hub: &HubAddress) -> bool {
        let name = hub.to_string();
        if self.current.as_ref() == Some(&name) {
            self.current = None;
        }
        self.hubs.remove(&name).is_some()
    }

    /// Changes the file as one step, whoever else does so at the same time.
    pub(crate) fn change<T>(change: impl FnOnce(&mut Self) -> T) -> Result<T, Failure> {
        let locked = Self::lock()?;
        let mut credentials = locked.load()?;
        let outcome = change(&mut credentials);
        locked.store(&credentials)?;
        Ok(outcome)
    }

    /// Holds the file until the answer is dropped.
    pub(crate) fn lock() -> Result<Locked, Failure> {
        let folder = folder().ok_or_else(|| {
            Failure::Other(
                "there is no place to keep a sign-in: HOME and XDG_CONFIG_HOME are not set".to_owned(),
            )
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
    /// What stands there now.
    pub(crate) fn load(&self) -> Result<Credentials, Failure> {
        read(&self.path)
    }

    /// Writes it whole or not at all.
    pub(crate) fn store(&self, credentials: &Credentials) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(credentials).map_err(Failure::other)?;
        write_private(&self.path, &text).map_err(at(&self.path))
    }
}

// === impl Entry ===

impl Entry {
    /// A sign-in to a hub that is trusted so.
    pub(crate) fn new(trust: &Trust, sign_in: SignIn) -> Self {
        let (ca_file, fingerprint) = match trust {
            Trust::System => (None, None),
            // Later commands run in other folders.
            Trust::File(path) => (Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())), None),
            Trust::Fingerprint(fingerprint) => (None, Some(*fingerprint)),
        };
        Self { ca_file, fingerprint, sign_in }
    }

    /// How the hub was trusted at sign-in.
    pub(crate) fn trust(&self) -> Trust {
        match (&self.ca_file, self.fingerprint) {
            (_, Some(fingerprint)) => Trust::Fingerprint(fingerprint),
            (Some(path), None) => Trust::File(path.clone()),
            (None, None) => Trust::System,
        }
    }
}

/// `$XDG_CONFIG_HOME/cluster-manager`, or where that is when nobody says.
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
                "{path}: others than you can read it: sign in again after you removed it, or: chmod 600 {path}"
            )));
        }
        Ok(_) => std::fs::read_to_string(path).map_err(at(path))?,
    };
    // The problem may quote what stands there, which is secret.
    serde_json::from_str(&text).map_err(|error| {
        let (path, line) = (path.display(), error.line());
        Failure::Other(format!(
            "{path}: line {line} is not what `login` wrote: remove the file, sign in again"
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
    fn what_is_kept_is_found_again_and_cannot_be_printed() {
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
