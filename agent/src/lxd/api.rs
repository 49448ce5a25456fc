//! The parts of LXD's API that a report needs, and the source of its responses.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use bytes::Bytes;
use protocol::{Address, Fingerprint};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::client::ClientError;

/// A source of LXD's responses: the running LXD, or a recording in tests.
pub trait Source: Sync {
    /// Gets a path and returns the body of a successful response.
    fn get(&self, path: &str) -> impl Future<Output = Result<Bytes, LxdError>> + Send;

    /// Gets a path from another member, which must present the cluster's certificate.
    fn get_from(
        &self,
        member: &Address,
        certificate: Fingerprint,
        path: &str,
    ) -> impl Future<Output = Result<Bytes, LxdError>> + Send;

    /// The load averages of this machine over 1, 5 and 15 min.
    fn local_loads(&self) -> Option<[f64; 3]>;
}

/// Why LXD cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LxdError {
    /// There is no socket in the given directory, or in the usual ones.
    #[error("cannot find LXD: no unix.socket in {0}; install LXD or pass its directory with --lxd-dir")]
    NotFound(String),
    /// The request over the socket failed.
    #[error("no response from LXD at {socket}: {problem}")]
    Unreachable {
        /// The socket's path.
        socket: String,
        /// The cause.
        problem: String,
    },
    /// The response is an error.
    #[error("LXD responded to {path} with {status}: {error}")]
    Refused {
        /// The path requested.
        path: String,
        /// The HTTP status.
        status: u16,
        /// LXD's error message.
        error: String,
    },
    /// The response has an unexpected format.
    #[error("cannot read LXD's response to {path}: {problem}")]
    Unreadable {
        /// The path requested.
        path: String,
        /// The problem.
        problem: String,
    },
    /// The request to another member failed.
    #[error(transparent)]
    Member(#[from] ClientError),
}

#[derive(Deserialize)]
struct Envelope<T> {
    metadata: T,
}

/// The response to `/1.0`.
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// The API extensions.
    #[serde(default, deserialize_with = "null_is_default")]
    pub api_extensions: Vec<String>,
    /// The server's configuration.
    #[serde(default, deserialize_with = "null_is_default")]
    pub config: HashMap<String, serde_json::Value>,
    /// The server's environment.
    pub environment: Environment,
}

/// The environment of a server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// The addresses on which it listens for HTTPS, as `host:port`.
    pub addresses: Option<Vec<String>>,
    /// The fingerprint of its certificate, which all members of a cluster share.
    pub certificate_fingerprint: String,
    /// Whether it belongs to a cluster.
    pub server_clustered: bool,
    /// Its name; in a cluster, its member name.
    pub server_name: String,
    /// Its LXD version.
    pub server_version: String,
}

/// An entry of `/1.0/cluster/members`.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    /// The name.
    pub server_name: String,
    /// Its URL, `https://host:port`; empty for a server without a cluster.
    #[serde(default)]
    pub url: String,
    /// The status.
    pub status: String,
}

/// An entry of `/1.0/instances`.
#[derive(Debug, Deserialize)]
pub struct Instance {
    /// The status.
    pub status: String,
}

/// An entry of `/1.0/storage-pools`.
#[derive(Debug, Clone, Deserialize)]
pub struct Pool {
    /// The name.
    pub name: String,
    /// The storage driver.
    pub driver: String,
}

/// The response to `/1.0/storage-pools/<name>/resources`, and an entry of [`MemberState::storage_pools`].
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct PoolResources {
    /// The pool's space.
    pub space: Space,
}

/// The space of a storage pool, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Space {
    /// The used space.
    pub used: u64,
    /// The total space.
    pub total: u64,
}

/// The response to `/1.0/resources`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// The CPUs.
    pub cpu: Cpu,
    /// The memory.
    pub memory: Memory,
}

/// The CPUs of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cpu {
    /// The number of threads.
    pub total: u64,
}

/// The memory of a server, in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The used memory without caches.
    pub used: u64,
    /// The total memory.
    pub total: u64,
}

/// The response to `/1.0/cluster/members/<name>/state`, from the API extension `cluster_member_state` on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemberState {
    /// The figures of the kernel's `sysinfo`.
    pub sysinfo: SysInfo,
    /// The storage pools of this member, by name.
    pub storage_pools: Option<BTreeMap<String, PoolResources>>,
}

/// The figures of the kernel's `sysinfo`; memory is in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are those of sysinfo")]
pub struct SysInfo {
    #[serde(deserialize_with = "null_is_default")]
    pub load_averages: Vec<f64>,
    pub total_ram: u64,
    pub free_ram: u64,
    pub buffered_ram: u64,
    pub logical_cpus: u64,
}

/// Gets a path and parses the metadata of the response.
pub async fn get<T: DeserializeOwned>(source: &impl Source, path: &str) -> Result<T, LxdError> {
    let body = source.get(path).await?;
    serde_json::from_slice::<Envelope<T>>(&body)
        .map(|envelope| envelope.metadata)
        .map_err(|error| LxdError::Unreadable { path: path.to_owned(), problem: error.to_string() })
}

/// Reads `null` as the default value: Go encodes an empty list or map as `null`.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Gets a list. An empty one may be `null`.
pub async fn list<T: DeserializeOwned>(source: &impl Source, path: &str) -> Result<Vec<T>, LxdError> {
    Ok(get::<Option<Vec<T>>>(source, path).await?.unwrap_or_default())
}

/// Percent-encodes a name for a path or a query.
pub fn percent_encode(name: &str) -> String {
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
    /// Whether this LXD has an API extension.
    pub fn has_extension(&self, extension: &str) -> bool {
        self.api_extensions.iter().any(|known| known == extension)
    }

    /// The URL of LXD's own web UI; empty if LXD does not listen for HTTPS.
    pub fn ui_url(&self) -> String {
        let configured =
            self.config.get("core.https_address").and_then(serde_json::Value::as_str).unwrap_or("");
        if configured.is_empty() {
            return String::new();
        }
        let is_wildcard = ["[::]", "0.0.0.0", ":"].iter().any(|wildcard| configured.starts_with(wildcard));
        let first = self.environment.addresses.as_deref().unwrap_or_default().first();
        match first {
            Some(first) if is_wildcard => format!("https://{first}"),
            None if is_wildcard => String::new(),
            _ if configured.parse::<Address>().is_ok() => format!("https://{configured}"),
            // The default port of LXD.
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
    fn ui_url_is_the_address_on_which_lxd_listens() {
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
    fn empty_lists_may_be_null() {
        let server = r#"{"api_extensions":null,"config":null,"environment":{"addresses":null}}"#;
        let server: Server = serde_json::from_str(server).unwrap();
        assert!(server.api_extensions.is_empty() && server.ui_url().is_empty());
        let state: MemberState =
            serde_json::from_str(r#"{"sysinfo":{"load_averages":null,"total_ram":7},"storage_pools":null}"#)
                .unwrap();
        assert_eq!((state.sysinfo.load_averages.len(), state.sysinfo.total_ram), (0, 7));
    }

    #[test]
    fn names_are_percent_encoded() {
        assert_eq!(percent_encode("m-1.lan_x"), "m-1.lan_x");
        assert_eq!(percent_encode("a/b?c é"), "a%2Fb%3Fc%20%C3%A9");
    }
}
