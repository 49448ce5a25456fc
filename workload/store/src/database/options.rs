//! Connection settings: `DB_*` (contract section 5).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use secrecy::{ExposeSecret as _, SecretString};
use tls_client::{AnyLeaf, SignedByAuthority, TrustedAuthorities};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

/// The longest a statement may run. Shorter than any request's timeout, so that no statement outlives its request.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest a statement may wait for a lock. Shorter than [`STATEMENT_TIMEOUT`], so that the error names the lock.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(8);
/// The longest wait for a new connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How to connect to the database.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// The servers, at least one. The one that takes writes is used.
    pub servers: Vec<Server>,
    /// The user.
    pub user: String,
    /// The password; may be empty.
    pub password: SecretString,
    /// The name of the database.
    pub name: String,
    /// The maximum number of connections of one process.
    pub max_open: usize,
    /// Whether and how the connection is encrypted.
    pub tls: DatabaseTls,
}

/// One PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A host name, an IP address, or the folder of a unix socket.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Whether and how the connection to the database is encrypted.
#[derive(Debug, Clone)]
pub enum DatabaseTls {
    /// Not encrypted.
    Disabled,
    /// Encrypted, but the server is not authenticated, because no CA was given.
    Unverified,
    /// Encrypted. The server's certificate must be issued by one of these CAs and name the host.
    Verified {
        /// One or more CA certificates in PEM.
        ca_pem: Vec<u8>,
    },
}

impl fmt::Display for Server {
    /// As in `DB_HOST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The CA for the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the CA certificate for the database: {0}")]
pub struct InvalidCa(pub(crate) String);

impl DatabaseOptions {
    /// The values of `DB_HOST` and `DB_PORT` for these servers.
    pub fn host_and_port(&self) -> (String, String) {
        let port = self.servers.first().map_or(0, |server| server.port);
        let hosts = self.servers.iter().map(|server| match server.port == port {
            true => server.host.clone(),
            false => server.to_string(),
        });
        (hosts.collect::<Vec<_>>().join(","), port.to_string())
    }

    /// What all connections share: everything but the server.
    pub(crate) fn to_config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .user(&self.user)
            .dbname(&self.name)
            .application_name("cluster-manager")
            // A standby, and a server that was made read-only, can store nothing.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(STATEMENT_TIMEOUT * 2)
            .keepalives_idle(Duration::from_secs(30))
            .ssl_mode(match self.tls {
                DatabaseTls::Disabled => SslMode::Disable,
                DatabaseTls::Unverified | DatabaseTls::Verified { .. } => SslMode::Require,
            });
        if !self.password.expose_secret().is_empty() {
            config.password(self.password.expose_secret());
        }
        config
    }

    /// The TLS configuration, or `None` for an unencrypted connection.
    pub(crate) fn tls_client(&self) -> Result<Option<ClientConfig>, InvalidCa> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = match &self.tls {
            DatabaseTls::Disabled => return Ok(None),
            DatabaseTls::Unverified => tls_client::client_config(provider, AnyLeaf),
            DatabaseTls::Verified { ca_pem } => {
                let authorities =
                    TrustedAuthorities::from_pem(ca_pem).map_err(|error| InvalidCa(error.to_string()))?;
                let accept = SignedByAuthority::new(&provider, authorities)
                    .map_err(|error| InvalidCa(error.to_string()))?;
                tls_client::client_config(provider, accept)
            }
        };
        config.map(Some).map_err(|error| InvalidCa(error.to_string()))
    }
}
