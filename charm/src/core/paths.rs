//! Names and places in the container and in the model that more than one concern knows.

/// The workload's program.
pub const PROGRAM: &str = "/usr/bin/cluster-manager";
/// Our folder in the container.
pub const FOLDER: &str = "/var/lib/cluster-manager";
/// The management API's `tls.crt` and `tls.key`.
pub const MANAGEMENT_TLS: &str = "/var/lib/cluster-manager/management";
/// The connector's `tls.crt` and `tls.key`.
pub const CONNECTOR_TLS: &str = "/var/lib/cluster-manager/connector";
/// The database's password.
pub const DATABASE_PASSWORD: &str = "/var/lib/cluster-manager/database-password";
/// The CA of the database's certificate.
pub const DATABASE_CA: &str = "/var/lib/cluster-manager/database-ca.crt";
/// The secret of the identity provider's client.
pub const OIDC_SECRET: &str = "/var/lib/cluster-manager/oidc-client-secret";
/// The keys for what is encrypted in the database.
pub const ENCRYPTION_KEYS: &str = "/var/lib/cluster-manager/encryption-keys";
/// CAs trusted for outgoing calls.
pub const EXTRA_CA: &str = "/var/lib/cluster-manager/extra-ca.crt";

/// How many random bytes a key has.
pub const KEY_BYTES: usize = 32;

/// The management API's HTTPS port.
pub const MANAGEMENT_PORT: u16 = 9000;
/// The connector's HTTPS port.
pub const CONNECTOR_PORT: u16 = 30000;
/// The management API's plain status port.
pub const MANAGEMENT_STATUS_PORT: u16 = 10000;
/// The connector's plain status port.
pub const CONNECTOR_STATUS_PORT: u16 = 10001;

/// Pebble's name for the management API.
pub const MANAGEMENT_SERVICE: &str = "management-api";
/// Pebble's name for the connector.
pub const CONNECTOR_SERVICE: &str = "cluster-connector";
