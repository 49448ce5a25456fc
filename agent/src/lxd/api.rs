//! The parts of LXD's API that are read, and where its answers come from.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use bytes::Bytes;
use protocol::{Address, Fingerprint};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::ClientError;

/// Where answers of LXD come from: the running one, or a recording.
pub trait Source: Sync {
    /// The body of a GET that was answered with 200.
    fn get(&self, path: &str) -> impl Future<Output = Result<Bytes, LxdError>> + Send;

    /// The same from another member of the cluster, which presents the cluster's certificate.
    fn get_from(
        &self,
        member: &Address,
        certificate: Fingerprint,
        path: &str,
    ) -> impl Future<Output = Result<Bytes, LxdError>> + Send;

    /// The load averages of the machine that this program runs on.
    fn local_loads(&self) -> Option<[f64; 3]>;
}

/// Why LXD cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LxdError {
    /// There is no socket in any of the usual places.
    #[error("no LXD was found: no unix.socket in {0}; is LXD installed? say where with --lxd-dir")]
    NotFound(String),
    /// The socket does not answer.
    #[error("LXD does not answer at {socket}: {problem}")]
    Unreachable {
        /// The socket's path.
        socket: String,
        /// What went wrong.
        problem: String,
    },
    /// LXD answered with an error.
    #[error("LXD answered {status} to {path}: {error}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The HTTP status.
        status: u16,
        /// LXD's words.
        error: String,
    },
    /// The answer is not what this API promises.
    #[error("LXD's answer to {path} cannot be read: {problem}")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// What is wrong with the answer.
        problem: String,
    },
    /// Another member does not answer.
    #[error(transparent)]
    Member(#[from] ClientError),
}

#[derive(Deserialize)]
struct Answer<T> {
    metadata: T,
}

/// `/1.0`.
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// What this LXD can do.
    #[serde(default)]
    pub api_extensions: Vec<String>,
    /// Its configuration.
    #[serde(default)]
    pub config: HashMap<String, serde_json::Value>,
    /// What it is.
    pub environment: Environment,
}

/// The part of `/1.0` about what the server is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Where it listens for HTTPS.
    pub addresses: Option<Vec<String>>,
    /// The fingerprint of its certificate; in a cluster all members present the same.
    pub certificate_fingerprint: String,
    /// Whether it belongs to a cluster.
    pub server_clustered: bool,
    /// Its name, which is its member name in a cluster.
    pub server_name: String,
    /// Its version.
    pub server_version: String,
}

/// One of `/1.0/cluster/members`.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    /// The name.
    pub server_name: String,
    /// `https://address:port`; empty for a server without a cluster.
    #[serde(default)]
    pub url: String,
    /// The status word.
    pub status: String,
}

/// One of `/1.0/instances`.
#[derive(Debug, Deserialize)]
pub struct Instance {
    /// The status word.
    pub status: String,
}

/// One of `/1.0/storage-pools`.
#[derive(Debug, Clone, Deserialize)]
pub struct Pool {
    /// The name.
    pub name: String,
    /// The storage driver.
    pub driver: String,
}

/// `/1.0/storage-pools/<name>/resources`, and each pool in a member's state.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct PoolResources {
    /// Bytes.
    pub space: Space,
}

/// Bytes of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Space {
    /// In use.
    pub used: u64,
    /// All.
    pub total: u64,
}

/// `/1.0/resources`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Processors.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
}

/// Processors of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cpu {
    /// How many threads.
    pub total: u64,
}

/// Memory of a server in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// In use, caches not counted.
    pub used: u64,
    /// All.
    pub total: u64,
}

/// `/1.0/cluster/members/<name>/state`, with the extension `cluster_member_state`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemberState {
    /// What the kernel's `sysinfo` says.
    pub sysinfo: SysInfo,
    /// The pools as this member sees them.
    pub storage_pools: Option<BTreeMap<String, PoolResources>>,
}

/// What the kernel's `sysinfo` says, in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "sysinfo's own names")]
pub struct SysInfo {
    pub load_averages: Vec<f64>,
    pub total_ram: u64,
    pub free_ram: u64,
    pub buffered_ram: u64,
    pub logical_cpus: u64,
}

/// Asks for a path and reads the answer's metadata.
pub async fn get<T: DeserializeOwned>(source: &impl Source, path: &str) -> Result<T, LxdError> {
    let body = source.get(path).await?;
    serde_json::from_slice::<Answer<T>>(&body)
        .map(|answer| answer.metadata)
        .map_err(|error| LxdError::Unreadable { path: path.to_owned(), problem: error.to_string() })
}

/// A name as a part of a path or a query.
pub fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

impl Server {
    /// Whether this LXD has an extension of its API.
    pub fn has(&self, extension: &str) -> bool {
        self.api_extensions.iter().any(|known| known == extension)
    }

    /// The URL of LXD's own web UI, empty where it does not listen for HTTPS.
    pub fn ui_url(&self) -> String {
        let configured =
            self.config.get("core.https_address").and_then(serde_json::Value::as_str).unwrap_or("");
        if configured.is_empty() {
            return String::new();
        }
        let everywhere = ["[::]", "0.0.0.0", ":"].iter().any(|any| configured.starts_with(any));
        let first = self.environment.addresses.as_deref().unwrap_or_default().first();
        match first {
            Some(first) if everywhere => format!("https://{first}"),
            None if everywhere => String::new(),
            _ if configured.parse::<Address>().is_ok() => format!("https://{configured}"),
            // LXD's own port, where none is given.
            _ => format!("https://{configured}:8443"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str, addresses: &[&str]) -> Server {
        Server {
            api_extensions: vec![],
            config: [("core.https_address".to_owned(), address.into())].into(),
            environment: Environment {
                addresses: Some(addresses.iter().map(|a| (*a).to_owned()).collect()),
                ..Environment::default()
            },
        }
    }

    #[test]
    fn the_ui_is_where_lxd_listens() {
        for (address, addresses, url) in [
            ("", &[][..], ""),
            ("10.0.0.1:8443", &["10.0.0.1:8443"], "https://10.0.0.1:8443"),
            ("lxd.example.com", &[], "https://lxd.example.com:8443"),
            ("[::]:8443", &["10.0.0.1:8443", "[fd00::1]:8443"], "https://10.0.0.1:8443"),
            (":8443", &["10.0.0.1:8443"], "https://10.0.0.1:8443"),
            ("0.0.0.0:8443", &[], ""),
        ] {
            assert_eq!(server(address, addresses).ui_url(), url, "{address}");
        }
    }

    #[test]
    fn names_are_encoded_in_paths() {
        assert_eq!(encoded("m-1.lan_x"), "m-1.lan_x");
        assert_eq!(encoded("a/b?c é"), "a%2Fb%3Fc%20%C3%A9");
    }
}
