//! Names, paths and ports that several modules share.

/// The endpoint of the peer relation.
pub const PEERS: &str = "cluster-manager-peers";

/// The workload's program.
pub const PROGRAM: &str = "/usr/bin/cluster-manager";
/// The folder for the workload's files in the container.
pub const FOLDER: &str = "/var/lib/cluster-manager";
/// The folder with the management API's `tls.crt` and `tls.key`.
pub const MANAGEMENT_TLS: &str = "/var/lib/cluster-manager/management";
/// The folder with the connector's `tls.crt` and `tls.key`.
pub const CONNECTOR_TLS: &str = "/var/lib/cluster-manager/connector";
/// The file with the password of the database.
pub const DATABASE_PASSWORD: &str = "/var/lib/cluster-manager/database-password";
/// The file with the CA of the database's certificate.
pub const DATABASE_CA: &str = "/var/lib/cluster-manager/database-ca.crt";
/// The file with the OpenID Connect client secret.
pub const OIDC_SECRET: &str = "/var/lib/cluster-manager/oidc-client-secret";
/// The file with the keys that encrypt data in the database.
pub const ENCRYPTION_KEYS: &str = "/var/lib/cluster-manager/encryption-keys";
/// The file with the CAs for outgoing calls.
pub const EXTRA_CA: &str = "/var/lib/cluster-manager/extra-ca.crt";

/// The length of an encryption key, in random bytes.
pub const KEY_BYTES: usize = 32;

/// The management API's HTTPS port.
pub const MANAGEMENT_PORT: u16 = 9000;
/// The connector's HTTPS port.
pub const CONNECTOR_PORT: u16 = 30000;
/// The management API's status port (plain HTTP).
pub const MANAGEMENT_STATUS_PORT: u16 = 10000;
/// The connector's status port (plain HTTP).
pub const CONNECTOR_STATUS_PORT: u16 = 10001;

/// The Pebble service of the management API.
pub const MANAGEMENT_SERVICE: &str = "management-api";
/// The Pebble service of the connector.
pub const CONNECTOR_SERVICE: &str = "cluster-connector";
