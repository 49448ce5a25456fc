//! The list of all settings.

use std::fmt::Write as _;

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable; in `CONFIG_FILE` the same in lower case.
    pub name: &'static str,
    /// What the value must be, for errors: "NAME must be …".
    pub form: &'static str,
    /// The default, or empty if there is none.
    pub default: &'static str,
    /// Whether the value must never be shown. A secret can also be in the file that `<NAME>_FILE` names.
    pub is_secret: bool,
    /// Whether the value can contain a secret, such as a password in a URL. Errors do not repeat it.
    pub may_hold_secret: bool,
    /// The meaning, as a noun phrase.
    pub meaning: &'static str,
}

const fn setting(
    name: &'static str,
    form: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { name, form, default, is_secret: false, may_hold_secret: false, meaning }
}

const fn secret(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, form: "text", default: "", is_secret: true, may_hold_secret: true, meaning }
}

const fn with_passwords(setting: Setting) -> Setting {
    Setting { may_hold_secret: true, ..setting }
}

macro_rules! settings {
    ($($constant:ident = $setting:expr;)*) => {
        $(#[doc = concat!("`", stringify!($constant), "`.")] pub const $constant: Setting = $setting;)*
        /// All settings, in the order of the documentation.
        pub const ALL: &[Setting] = &[$($constant),*];
    };
}

settings! {
    SERVICE = setting("SERVICE", "management-api, cluster-connector or cli", "", "Service that this process runs, if no subcommand selects one.");
    SERVER_HOST = setting("SERVER_HOST", "an IP address", "0.0.0.0", "Address of the HTTPS listener.");
    SERVER_PORT = setting("SERVER_PORT", "a port from 1 to 65535", "9000", "Port of the HTTPS listener.");
    STATUS_PORT = setting("STATUS_PORT", "a port from 1 to 65535, or 0 for none", "10000", "Port of the plain HTTP listener. `GET /status` returns 200 or 500, depending on the database; `/metrics` returns the metrics of this process.");
    MANAGEMENT_API_TLS_PATH = setting("MANAGEMENT_API_TLS_PATH", "a folder with tls.crt and tls.key", "", "Certificate of the management API, which requires it.");
    CLUSTER_CONNECTOR_TLS_PATH = setting("CLUSTER_CONNECTOR_TLS_PATH", "a folder with tls.crt and tls.key", "", "Certificate of the connector, whose fingerprint every cluster pins. Required for the connector and for creating join tokens. The management API and `migrate` also read the key in it, unless ENCRYPTION_KEY_FILE is set.");
    CLUSTER_CONNECTOR_FINGERPRINT = setting("CLUSTER_CONNECTOR_FINGERPRINT", "the SHA-256 of a certificate, 64 hexadecimal digits", "", "Fingerprint of a new certificate of the connector, to confirm that it is changed on purpose. Enrolled clusters pin the old certificate and are cut off. Without this setting, a connector with another certificate does not start.");
    CLUSTER_CONNECTOR_DOMAIN = setting("CLUSTER_CONNECTOR_DOMAIN", "a host name or an IP address", "", "Host in join tokens. Required for the connector, the management API and for creating join tokens.");
    CLUSTER_CONNECTOR_PORT = setting("CLUSTER_CONNECTOR_PORT", "a port from 1 to 65535", "30000", "Port in join tokens.");
    MANAGEMENT_API_DOMAIN = setting("MANAGEMENT_API_DOMAIN", "host or host:port", "", "Host that people use to reach the management API, for the sign-in callback. Empty: the Host of the request, if the certificate of the management API names it.");
    DB_HOST = setting("DB_HOST", "hosts separated by commas, each a host name, an IP address or a socket's folder, and `:PORT` where it is not DB_PORT", "db-svc", "Host of PostgreSQL (14 or newer). Of several the one that takes writes is used.");
    DB_PORT = setting("DB_PORT", "a port from 1 to 65535", "5432", "Port of PostgreSQL, for hosts in DB_HOST without a port.");
    DB_USER = setting("DB_USER", "text", "admin", "User of the database.");
    DB_PASSWORD = secret("DB_PASSWORD", "Password of the user of the database.");
    DB_NAME = setting("DB_NAME", "text", "cm", "Name of the database.");
    DB_MAX_OPEN = setting("DB_MAX_OPEN", "a number from 1 to 1000", "16", "Maximum number of connections of one process; fewer than 4 count as 4.");
    DB_MAX_IDLE = setting("DB_MAX_IDLE", "a number from 0 to 1000", "10", "No effect; accepted for compatibility. Idle connections stay open.");
    DB_DISABLE_TLS = setting("DB_DISABLE_TLS", "true or false", "true", "Whether the connection to the database is unencrypted.");
    DB_CA_FILE = setting("DB_CA_FILE", "a file with CA certificates in PEM", "", "CA certificates for the certificate of the database, if TLS is on. Empty: the certificate is not verified.");
    OIDC_ISSUER = setting("OIDC_ISSUER", "an https URL without query or fragment; http on loopback only", "", "Issuer of the identity provider, exactly as the provider writes it. Required for the management API.");
    OIDC_CLIENT_ID = setting("OIDC_CLIENT_ID", "text", "", "Client ID of the hub at the identity provider. Required for the management API.");
    OIDC_CLIENT_SECRET = secret("OIDC_CLIENT_SECRET", "Client secret of the hub at the identity provider, if the provider requires one.");
    OIDC_AUDIENCE = setting("OIDC_AUDIENCE", "text", "", "Audience to request, and to require of bearer access tokens. Empty: bearer access tokens are refused.");
    OIDC_GROUPS_CLAIM = setting("OIDC_GROUPS_CLAIM", "text", "mcm-idp-groups", "Claim of the ID token that contains a person's groups.");
    SESSION_IDLE_SECONDS = setting("SESSION_IDLE_SECONDS", "a number from 1 to 31536000", "28800", "Time without a request after which a person's session ends.");
    SESSION_LIFETIME_SECONDS = setting("SESSION_LIFETIME_SECONDS", "a number from 1 to 31536000", "604800", "Longest lifetime of a person's session.");
    SESSION_ROLE_MAX_AGE = setting("SESSION_ROLE_MAX_AGE", "a number of seconds from 1 to 31536000", "3600", "Time in seconds within which a person's role follows their groups at the identity provider. Tokens are renewed before; a person without a refresh token signs in again.");
    ROLE_MAPPING = setting("ROLE_MAPPING", "GROUP=ROLE, separated by commas; a role is admin, operator or viewer", "admins=admin", "Role of each group of the identity provider. A person with several roles gets the highest.");
    GRAFANA_BASE_URL = setting("GRAFANA_BASE_URL", "a URL", "", "URL of dashboards up to the dashboard's uid, such as https://grafana.example.com/d. Empty: no links to dashboards.");
    PROMETHEUS_BASE_URL = with_passwords(setting("PROMETHEUS_BASE_URL", "http or https URLs, separated by spaces", "", "Remote-write URLs of the sinks. Each of them receives the metrics of all clusters. Empty: metrics are not relayed. A user and a password in a URL are sent to that sink only."));
    RELAY_BEARER_TOKEN = secret("RELAY_BEARER_TOKEN", "Token for sinks whose URL has no user.");
    RELAY_JOB_LABEL = setting("RELAY_JOB_LABEL", "name or folded", "name", "Label `job` of relayed series: the name of the cluster (name), or the name with each `-` replaced by `_` (folded), for dashboards of microcloud-cluster-manager.");
    RELAY_RULES_FILE = setting("RELAY_RULES_FILE", "a YAML file with allow, deny and groups", "", "Rules for which series are relayed, and how often. Empty: all series, with every heartbeat. `cluster-manager relay explain` shows their effect.");
    RELAY_MEMORY_MB = setting("RELAY_MEMORY_MB", "a number from 1 to 1000000", "128", "Megabytes of memory for relayed metrics: a quarter for expositions that wait to be parsed, a quarter for the series that each member exposed last (about 25 bytes each), three eighths for samples that are queued for each sink (about 15 bytes each), the rest for work in progress.");
    RELAY_CLUSTER_MB = setting("RELAY_CLUSTER_MB", "a number from 1 to 1000000", "", "Megabytes of expositions of one cluster that can wait to be parsed. A larger exposition is not relayed. Empty: an eighth of RELAY_MEMORY_MB, at least 4. More than an eighth comes on top of RELAY_MEMORY_MB, twice.");
    RELAY_CLUSTER_SERIES = setting("RELAY_CLUSTER_SERIES", "a number from 1 to 1000000000", "", "Series of one cluster that are relayed. Of a cluster with more, those that are already relayed go on. Empty: 1,000 for each megabyte of RELAY_MEMORY_MB, at least 10,000.");
    RELAY_SPOOL_PATH = setting("RELAY_SPOOL_PATH", "a folder that no other process uses", "", "Folder in which samples are queued on disk, so that they survive a restart. Empty: they are queued in memory only.");
    RELAY_SPOOL_MB = setting("RELAY_SPOOL_MB", "a number from 1 to 10000000", "2048", "Megabytes of samples that can be queued on disk for each sink. One hour of 1,000 clusters with 1,000 series each takes 900.");
    RATE_LIMIT_REFILL_RATE = setting("RATE_LIMIT_REFILL_RATE", "a number from 0.01 to 1000000", "", "Requests per second that each client may send, for every kind of request. Empty: a default for each kind.");
    RATE_LIMIT_BUCKET_SIZE = setting("RATE_LIMIT_BUCKET_SIZE", "a number from 1 to 1000000", "", "Requests that a client may send in a burst. Empty: a default for each kind of request.");
    RATE_LIMIT_CLIENT_ACTIVE_INTERVAL_SECONDS = setting("RATE_LIMIT_CLIENT_ACTIVE_INTERVAL_SECONDS", "a number from 1 to 86400", "180", "No effect; accepted for compatibility. A client is removed from memory when its bucket is full again.");
    RATE_LIMIT_CLEANUP_INTERVAL_SECONDS = setting("RATE_LIMIT_CLEANUP_INTERVAL_SECONDS", "a number from 1 to 86400", "60", "How often clients whose bucket is full again are removed from memory.");
    RATE_LIMIT_LOG_INTERVAL_SECONDS = setting("RATE_LIMIT_LOG_INTERVAL_SECONDS", "a number from 1 to 86400", "60", "No effect; accepted for compatibility.");
    RATE_LIMIT_MAX_CLIENTS = setting("RATE_LIMIT_MAX_CLIENTS", "a number from 1 to 10000000", "100000", "Maximum number of clients in memory. Further clients share one bucket.");
    MAX_CONNECTIONS = setting("MAX_CONNECTIONS", "a number from 16 to 1000000", "16384", "Maximum number of open connections of each service; fewer if the process may not open so many files. The last quarter is kept for networks from which clients were authenticated in the last 15 minutes.");
    MAX_CONNECTIONS_PER_NETWORK = setting("MAX_CONNECTIONS_PER_NETWORK", "a number from 4 to 1000000", "512", "Maximum number of connections of a network (/24, /56) to each service that are not authenticated, at most a quarter of all. Each client that was authenticated from the network in the last 15 minutes adds two.");
    CONNECTION_MAX_AGE_SECONDS = setting("CONNECTION_MAX_AGE_SECONDS", "a number from 1 to 31536000", "1800", "Maximum age of a connection, plus or minus 10%. It is closed once its requests are finished. Websockets and event streams are exempt.");
    MEMORY_LIMIT_MB = setting("MEMORY_LIMIT_MB", "a number from 64 to 10000000, or 0 for none", "", "Megabytes that the process may use. Large requests are refused (503) from 80% on, everything but small requests to the connector from 90% on. Empty: the limit of the container, if it has one.");
    HEALTH_LATE_SECONDS = setting("HEALTH_LATE_SECONDS", "a number from 1 to 86400", "120", "Shortest silence after which a cluster is late; never less than two of its expected intervals.");
    HEALTH_LOST_SECONDS = setting("HEALTH_LOST_SECONDS", "a number from 1 to 604800", "300", "Shortest silence after which a cluster is lost; never less than five of its expected intervals.");
    EVENT_RETENTION_DAYS = setting("EVENT_RETENTION_DAYS", "a number from 0 to 36500", "400", "Days for which events are kept in the audit trail; 0: forever.");
    PROXY_TRUSTED = setting("PROXY_TRUSTED", "networks such as 10.0.0.0/8, separated by commas", "", "Networks of load balancers. Their connections must begin with a PROXY protocol header; connections from elsewhere must not.");
    EXTRA_CA_FILE = setting("EXTRA_CA_FILE", "a file with CA certificates in PEM", "", "CA certificates that are trusted for outgoing calls, in addition to the system's.");
    ENCRYPTION_KEY_FILE = setting("ENCRYPTION_KEY_FILE", "a file with one key a line, each at least 32 characters", "", "Keys for encrypted values in the database. The first key encrypts, the others only decrypt. Empty: the key is derived from CLUSTER_CONNECTOR_TLS_PATH/tls.key.");
    VERSION = setting("VERSION", "text", env!("CARGO_PKG_VERSION"), "Program version shown in the configuration. It has no other effect.");
    API_VERSION = setting("API_VERSION", "text", "1.0", "Version of the API that the configuration shows. It does not change how the API behaves.");
    LOG_LEVEL = setting("LOG_LEVEL", "error, warn, info, debug, trace, or a filter such as info,access=warn", "info", "Level, or filter, of the log.");
    LOG_FORMAT = setting("LOG_FORMAT", "text or json", "text", "Format of the log.");
    CONFIG_FILE = setting("CONFIG_FILE", "a YAML file", "", "File with more settings, under the same names in lower case. The environment takes precedence.");
}

/// Returns the reference page.
pub fn to_markdown() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Generated from `workload/settings/src/table.rs`; a test keeps it current.\n\n\
         The value of a setting comes from a flag, the environment, the file that `<NAME>_FILE` names (secrets only), \
         the YAML file that `CONFIG_FILE` names (the same names in lower case), or the default. The first of these \
         wins. An empty value counts as none.\n\n| variable | default | must be | meaning |\n|---|---|---|---|\n",
    );
    for Setting { name, form, default, is_secret, meaning, .. } in ALL {
        let default = match default {
            _ if *name == "VERSION" => "version of the build".to_owned(),
            &"" => String::new(),
            default => format!("`{default}`"),
        };
        let secret =
            if *is_secret { " Secret: never shown; `<NAME>_FILE` can name a file with it." } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{name}` | {default} | {form} | {meaning}{secret} |");
    }
    page
}
