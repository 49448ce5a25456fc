//! The settings, parsed and grouped by the part of the program that needs them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::servers::{DatabaseServer, database_servers};
use crate::source::{SettingError, Source};
use crate::table;
use forms::{boolean, host_and_port, is_filter, issuer, sinks};

mod forms;

/// The connection to the database.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its servers, at least one.
    pub servers: Vec<DatabaseServer>,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
    /// The database's name.
    pub name: String,
    /// The most open connections.
    pub max_open: usize,
    /// Whether the connection is unencrypted.
    pub disable_tls: bool,
    /// The file with the CA certificates for the database.
    pub ca_file: Option<PathBuf>,
}

/// The connector as clusters reach it.
#[derive(Debug, Clone)]
pub struct Connector {
    /// The folder with its certificate and key.
    pub tls_path: PathBuf,
    /// The host in join tokens.
    pub domain: String,
    /// The port in join tokens.
    pub port: u16,
}

/// The addresses of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The HTTPS listener.
    pub address: SocketAddr,
    /// The plain HTTP listener for status and metrics, if any.
    pub status: Option<SocketAddr>,
}

/// The management API.
#[derive(Debug, Clone)]
pub struct Management {
    /// The folder with its certificate and key.
    pub tls_path: PathBuf,
    /// `host` or `host:port` that people use.
    pub domain: Option<String>,
    /// The issuer of the identity provider.
    pub oidc_issuer: String,
    /// The client id of the hub at the identity provider.
    pub oidc_client_id: String,
    /// The client secret of the hub at the identity provider.
    pub oidc_client_secret: Option<SecretString>,
    /// The audience of access tokens.
    pub oidc_audience: Option<String>,
    /// The claim of the ID token with a person's groups.
    pub oidc_groups_claim: String,
    /// When sessions end.
    pub session: SessionLimits,
    /// How long a person's role may lag behind their groups at the provider.
    pub session_role_max_age: Duration,
    /// The file with CA certificates that are trusted for outgoing calls in addition to the system's.
    pub extra_ca_file: Option<PathBuf>,
}

/// When a person's session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// The time without a request after which it ends.
    pub idle: Duration,
    /// Its longest lifetime.
    pub lifetime: Duration,
}

/// The limits of requests from one client. `None`: each kind of request has its own default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimits {
    /// Requests per second.
    pub refill_rate: Option<f64>,
    /// Requests in a burst.
    pub bucket_size: Option<u32>,
    /// How often clients with a full bucket are removed from memory.
    pub cleanup_every: Duration,
    /// The most clients in memory.
    pub max_clients: usize,
}

/// What the services may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The most open connections of each service.
    pub connections: usize,
    /// The most connections of a network that are not authenticated.
    pub connections_per_network: usize,
    /// The age after which a connection is closed.
    pub connection_max_age: Duration,
    /// The bytes of memory that the process may use; 0: no limit. `None`: as the container has it.
    pub memory_limit: Option<u64>,
}

/// The silence after which a cluster is late or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// No cluster is late before this much silence.
    pub late: Duration,
    /// No cluster is lost before this much silence.
    pub lost: Duration,
}

/// The relay of the clusters' metrics. It has no debug output, since its URLs may contain passwords.
#[derive(Clone)]
pub struct Relay {
    /// The sinks.
    pub sinks: Vec<Url>,
    /// The token for sinks whose URL has no user.
    pub bearer_token: Option<SecretString>,
    /// The file with CA certificates that are trusted for outgoing calls in addition to the system's.
    pub extra_ca_file: Option<PathBuf>,
    /// Whether the label `job` is folded as in microcloud-cluster-manager.
    pub is_job_folded: bool,
    /// The file with the rules for what is relayed, and how often.
    pub rules_file: Option<PathBuf>,
    /// The memory for relayed metrics, in bytes.
    pub memory_bytes: usize,
    /// The most bytes of expositions of one cluster that wait to be parsed.
    pub cluster_bytes: usize,
    /// The most series of one cluster that are relayed.
    pub cluster_series: usize,
    /// The folder of the queue on disk.
    pub spool_path: Option<PathBuf>,
    /// The most bytes that are queued on disk for each sink.
    pub spool_bytes: u64,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The filter.
    pub filter: String,
    /// Whether each line is JSON.
    pub is_json: bool,
}

impl Database {
    /// Reads `DB_*`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let port = port(source, &table::DB_PORT)?;
        Ok(Self {
            servers: required_with(source, &table::DB_HOST, |text| database_servers(text, port))?,
            user: source.required(&table::DB_USER)?,
            password: source.secret(&table::DB_PASSWORD)?,
            name: source.required(&table::DB_NAME)?,
            max_open: usize::try_from(source.number(&table::DB_MAX_OPEN, 1..=1000)?).unwrap_or(1000).max(4),
            disable_tls: source.parsed_with(&table::DB_DISABLE_TLS, boolean)?.unwrap_or(true),
            ca_file: source.text(&table::DB_CA_FILE)?.map(PathBuf::from),
        })
    }
}

impl Connector {
    /// Reads `CLUSTER_CONNECTOR_*`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            tls_path: source.required(&table::CLUSTER_CONNECTOR_TLS_PATH)?.into(),
            domain: source.required(&table::CLUSTER_CONNECTOR_DOMAIN)?,
            port: connector_port(source)?,
        })
    }
}

/// Reads `CLUSTER_CONNECTOR_PORT`: the port in join tokens.
pub fn connector_port(source: &Source) -> Result<u16, SettingError> {
    port(source, &table::CLUSTER_CONNECTOR_PORT)
}

impl Listen {
    /// Reads `SERVER_*` and `STATUS_PORT`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let host = source.parsed::<IpAddr>(&table::SERVER_HOST)?;
        let host = host.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let address = SocketAddr::new(host, port(source, &table::SERVER_PORT)?);
        let status = source.number(&table::STATUS_PORT, 0..=65535)?;
        let status = u16::try_from(status).ok().filter(|port| *port > 0);
        Ok(Self { address, status: status.map(|port| SocketAddr::new(host, port)) })
    }
}

impl Management {
    /// Reads `MANAGEMENT_*`, `OIDC_*`, `SESSION_*` and `EXTRA_CA_FILE`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            tls_path: source.required(&table::MANAGEMENT_API_TLS_PATH)?.into(),
            domain: source.parsed_with(&table::MANAGEMENT_API_DOMAIN, host_and_port)?,
            oidc_issuer: required_with(source, &table::OIDC_ISSUER, issuer)?,
            oidc_client_id: source.required(&table::OIDC_CLIENT_ID)?,
            oidc_client_secret: source.text(&table::OIDC_CLIENT_SECRET)?.map(SecretString::from),
            oidc_audience: source.text(&table::OIDC_AUDIENCE)?,
            oidc_groups_claim: source.required(&table::OIDC_GROUPS_CLAIM)?,
            session: SessionLimits::from(source)?,
            session_role_max_age: seconds(source, &table::SESSION_ROLE_MAX_AGE, 31_536_000)?,
            extra_ca_file: source.text(&table::EXTRA_CA_FILE)?.map(PathBuf::from),
        })
    }
}

impl SessionLimits {
    /// Reads `SESSION_IDLE_SECONDS` and `SESSION_LIFETIME_SECONDS`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            idle: seconds(source, &table::SESSION_IDLE_SECONDS, 31_536_000)?,
            lifetime: seconds(source, &table::SESSION_LIFETIME_SECONDS, 31_536_000)?,
        })
    }
}

impl RateLimits {
    /// Reads `RATE_LIMIT_*`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let rate = |text: &str| text.parse().ok().filter(|rate| (0.01..=1_000_000.0).contains(rate));
        let size = |text: &str| text.parse().ok().filter(|size| (1..=1_000_000).contains(size));
        let max_clients = source.number(&table::RATE_LIMIT_MAX_CLIENTS, 1..=10_000_000)?;
        // These two have no effect, but a wrong value is still reported.
        source.number(&table::RATE_LIMIT_CLIENT_ACTIVE_INTERVAL_SECONDS, 1..=86_400)?;
        source.number(&table::RATE_LIMIT_LOG_INTERVAL_SECONDS, 1..=86_400)?;
        Ok(Self {
            refill_rate: source.parsed_with(&table::RATE_LIMIT_REFILL_RATE, rate)?,
            bucket_size: source.parsed_with(&table::RATE_LIMIT_BUCKET_SIZE, size)?,
            cleanup_every: seconds(source, &table::RATE_LIMIT_CLEANUP_INTERVAL_SECONDS, 86_400)?,
            max_clients: usize::try_from(max_clients).unwrap_or(usize::MAX),
        })
    }
}

impl Capacity {
    /// Reads `MAX_CONNECTIONS*`, `CONNECTION_MAX_AGE_SECONDS` and `MEMORY_LIMIT_MB`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let megabytes = |text: &str| text.parse().ok().filter(|mb| matches!(mb, 0 | 64..=10_000_000));
        let count = |setting, min| {
            source
                .number(setting, min..=1_000_000)
                .map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        Ok(Self {
            connections: count(&table::MAX_CONNECTIONS, 16)?,
            connections_per_network: count(&table::MAX_CONNECTIONS_PER_NETWORK, 4)?,
            connection_max_age: seconds(source, &table::CONNECTION_MAX_AGE_SECONDS, 31_536_000)?,
            memory_limit: source
                .parsed_with(&table::MEMORY_LIMIT_MB, megabytes)?
                .map(|mb: u64| mb * 1_000_000),
        })
    }
}

impl Health {
    /// Reads `HEALTH_*`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            late: seconds(source, &table::HEALTH_LATE_SECONDS, 86_400)?,
            lost: seconds(source, &table::HEALTH_LOST_SECONDS, 604_800)?,
        })
    }
}

impl Relay {
    /// Reads `PROMETHEUS_BASE_URL`, `RELAY_*` and `EXTRA_CA_FILE`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        const MEGABYTE: u64 = 1_000_000;
        let memory_mb = source.number(&table::RELAY_MEMORY_MB, 1..=1_000_000)?;
        let in_range =
            |max: u64| move |text: &str| text.parse().ok().filter(|number| (1..=max).contains(number));
        let cluster_mb = source.parsed_with(&table::RELAY_CLUSTER_MB, in_range(1_000_000))?;
        let cluster_series = source.parsed_with(&table::RELAY_CLUSTER_SERIES, in_range(1_000_000_000))?;
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let is_folded = |text: &str| match text {
            "name" => Some(false),
            "folded" => Some(true),
            _ => None,
        };
        Ok(Self {
            sinks: source.parsed_with(&table::PROMETHEUS_BASE_URL, sinks)?.unwrap_or_default(),
            bearer_token: source.text(&table::RELAY_BEARER_TOKEN)?.map(SecretString::from),
            extra_ca_file: source.text(&table::EXTRA_CA_FILE)?.map(PathBuf::from),
            is_job_folded: source.parsed_with(&table::RELAY_JOB_LABEL, is_folded)?.unwrap_or(false),
            rules_file: source.text(&table::RELAY_RULES_FILE)?.map(PathBuf::from),
            memory_bytes: bytes(memory_mb * MEGABYTE),
            cluster_bytes: bytes(
                cluster_mb
                    .map_or((memory_mb * MEGABYTE / 8).max(4 * MEGABYTE), |megabytes| megabytes * MEGABYTE),
            ),
            cluster_series: bytes(cluster_series.unwrap_or((memory_mb * 1000).max(10_000))),
            spool_path: source.text(&table::RELAY_SPOOL_PATH)?.map(PathBuf::from),
            spool_bytes: source.number(&table::RELAY_SPOOL_MB, 1..=10_000_000)? * MEGABYTE,
        })
    }
}

impl Log {
    /// Reads `LOG_*`.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let is_json = |text: &str| match text {
            "json" => Some(true),
            "text" => Some(false),
            _ => None,
        };
        source.required(&table::LOG_LEVEL)?;
        let filter = |text: &str| is_filter(text).then(|| text.to_owned());
        Ok(Self {
            filter: source.parsed_with(&table::LOG_LEVEL, filter)?.unwrap_or_default(),
            is_json: source.parsed_with(&table::LOG_FORMAT, is_json)?.unwrap_or(false),
        })
    }
}

/// Reads `PROXY_TRUSTED`: the networks of the load balancers. An address is a network of one.
pub fn trusted_proxies(source: &Source) -> Result<Vec<IpNet>, SettingError> {
    let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let networks = |text: &str| text.split(',').map(str::trim).map(network).collect();
    Ok(source.parsed_with(&table::PROXY_TRUSTED, networks)?.unwrap_or_default())
}

/// Reads `EVENT_RETENTION_DAYS`: how long events are kept. `None`: forever.
pub fn event_retention_days(source: &Source) -> Result<Option<i32>, SettingError> {
    let days = source.number(&table::EVENT_RETENTION_DAYS, 0..=36_500)?;
    Ok(i32::try_from(days).ok().filter(|days| *days > 0))
}

fn required_with<T>(
    source: &Source,
    setting: &table::Setting,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, SettingError> {
    source
        .parsed_with(setting, parse)?
        .ok_or(SettingError::Missing { name: setting.name, form: setting.form })
}

fn port(source: &Source, setting: &table::Setting) -> Result<u16, SettingError> {
    let number = source.number(setting, 1..=65535)?;
    Ok(u16::try_from(number).unwrap_or(u16::MAX))
}

fn seconds(source: &Source, setting: &table::Setting, most: u64) -> Result<Duration, SettingError> {
    source.number(setting, 1..=most).map(Duration::from_secs)
}
