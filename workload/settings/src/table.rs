//! The list of all settings.

use std::fmt::Write as _;

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable; in `CONFIG_FILE` the same in lower case.
    pub name: &'static str,
    /// What the value must be, for error messages: "NAME must be …".
    pub form: &'static str,
    /// What holds where nobody says otherwise; empty: nothing.
    pub default: &'static str,
    /// Whether the value must never be shown. A secret can also come as `<NAME>_FILE`.
    pub is_secret: bool,
    /// Whether a secret can stand within the value, such as a password in a URL: complaints do not repeat it.
    pub may_hold_secret: bool,
    /// What it means.
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
    Setting { name, form: "a text", default: "", is_secret: true, may_hold_secret: true, meaning }
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
    SERVICE = setting("SERVICE", "management-api, cluster-connector or cli", "", "Which part this process is, where no subcommand says it.");
    SERVER_HOST = setting("SERVER_HOST", "an IP address", "0.0.0.0", "The address of the HTTPS listener.");
    SERVER_PORT = setting("SERVER_PORT", "a port from 1 to 65535", "9000", "The port of the HTTPS listener.");
    STATUS_PORT = setting("STATUS_PORT", "a port from 1 to 65535, or 0 for none", "10000", "The port of the plain listener: `GET /status` is 200 or 500 by the database's health, `/metrics` is this process' own metrics.");
    MANAGEMENT_API_TLS_PATH = setting("MANAGEMENT_API_TLS_PATH", "a folder with tls.crt and tls.key", "", "The management API's certificate. Required for it.");
    CLUSTER_CONNECTOR_TLS_PATH = setting("CLUSTER_CONNECTOR_TLS_PATH", "a folder with tls.crt and tls.key", "", "The connector's certificate, whose fingerprint every site pins. Required for it and for making tokens; the management API and `migrate` read the key in it too, unless ENCRYPTION_KEY_FILE is set.");
    CLUSTER_CONNECTOR_FINGERPRINT = setting("CLUSTER_CONNECTOR_FINGERPRINT", "the SHA-256 of a certificate, 64 hexadecimal digits", "", "The connector's new certificate, where it is changed on purpose. Enrolled clusters pin the old one and are cut off; without this, a connector with another certificate does not start.");
    CLUSTER_CONNECTOR_DOMAIN = setting("CLUSTER_CONNECTOR_DOMAIN", "a host name or an IP address", "", "The host written into join tokens. Required for the connector, the management API and for making tokens.");
    CLUSTER_CONNECTOR_PORT = setting("CLUSTER_CONNECTOR_PORT", "a port from 1 to 65535", "30000", "The port written into join tokens.");
    MANAGEMENT_API_DOMAIN = setting("MANAGEMENT_API_DOMAIN", "host or host:port", "", "Where people reach the management API, for the sign-in callback; empty: the request's Host, if the management certificate names it.");
    DB_HOST = setting("DB_HOST", "a host name, an IP address or a socket's folder", "db-svc", "Where PostgreSQL (14 or newer) is.");
    DB_PORT = setting("DB_PORT", "a port from 1 to 65535", "5432", "PostgreSQL's port.");
    DB_USER = setting("DB_USER", "a text", "admin", "The database's user.");
    DB_PASSWORD = secret("DB_PASSWORD", "The user's password.");
    DB_NAME = setting("DB_NAME", "a text", "cm", "The database's name.");
    DB_MAX_OPEN = setting("DB_MAX_OPEN", "a number from 1 to 1000", "16", "The most connections of one process; fewer than 4 count as 4.");
    DB_MAX_IDLE = setting("DB_MAX_IDLE", "a number from 0 to 1000", "10", "Taken for compatibility; idle connections stay open.");
    DB_DISABLE_TLS = setting("DB_DISABLE_TLS", "true or false", "true", "Whether the connection to the database is in clear.");
    DB_CA_FILE = setting("DB_CA_FILE", "a file with CA certificates in PEM", "", "With TLS: the database's certificate must come from one of these. Empty: it is not checked.");
    OIDC_ISSUER = setting("OIDC_ISSUER", "an https URL without query or fragment; http on loopback only", "", "The identity provider, exactly as it names itself. Required for the management API.");
    OIDC_CLIENT_ID = setting("OIDC_CLIENT_ID", "a text", "", "Our name there. Required for the management API.");
    OIDC_CLIENT_SECRET = secret("OIDC_CLIENT_SECRET", "Our secret there, if it wants one.");
    OIDC_AUDIENCE = setting("OIDC_AUDIENCE", "a text", "", "The audience asked for, and of bearer access tokens.");
    OIDC_GROUPS_CLAIM = setting("OIDC_GROUPS_CLAIM", "a text", "mcm-idp-groups", "The ID token's claim that holds a person's groups.");
    SESSION_IDLE_SECONDS = setting("SESSION_IDLE_SECONDS", "a number from 1 to 31536000", "28800", "A person's session ends after this much time without a request.");
    SESSION_LIFETIME_SECONDS = setting("SESSION_LIFETIME_SECONDS", "a number from 1 to 31536000", "604800", "A person's session ends after this much time in any case.");
    ROLE_MAPPING = setting("ROLE_MAPPING", "GROUP=ROLE, separated by commas; a role is admin, operator or viewer", "admins=admin", "Which group of the identity provider gives which role; of several the highest counts.");
    GRAFANA_BASE_URL = setting("GRAFANA_BASE_URL", "a URL", "", "Where links to dashboards lead, up to the part before the dashboard's uid, such as https://grafana.example.com/d; empty: no links.");
    PROMETHEUS_BASE_URL = with_passwords(setting("PROMETHEUS_BASE_URL", "http or https URLs, separated by blanks", "", "The full remote-write URLs that the sites' metrics go to, each of them to all; empty: nowhere. A user and a password in one are sent to it alone."));
    RELAY_BEARER_TOKEN = secret("RELAY_BEARER_TOKEN", "The token that is sent to sinks whose URL has no user.");
    RELAY_JOB_LABEL = setting("RELAY_JOB_LABEL", "name or folded", "name", "The label `job` of relayed series: the cluster's name, or the name with all but ASCII letters and digits turned into `_`, for dashboards of microcloud-cluster-manager.");
    RELAY_RULES_FILE = setting("RELAY_RULES_FILE", "a YAML file with allow, deny and groups", "", "Which series are relayed, and how often; empty: all, always. `cluster-manager relay explain` shows what it does.");
    RELAY_MEMORY_MB = setting("RELAY_MEMORY_MB", "a number from 1 to 1000000", "128", "How many megabytes of samples may wait in memory for each sink; some 15 bytes a sample.");
    RELAY_SPOOL_PATH = setting("RELAY_SPOOL_PATH", "a folder of this process alone", "", "Where samples wait for a sink on disk, so that they survive a restart; empty: in memory alone.");
    RELAY_SPOOL_MB = setting("RELAY_SPOOL_MB", "a number from 1 to 10000000", "2048", "How many megabytes of samples may wait on disk for each sink. An hour of 1,000 clusters with 1,000 series each is 900.");
    RATE_LIMIT_REFILL_RATE = setting("RATE_LIMIT_REFILL_RATE", "a number from 0.01 to 1000000", "", "Requests a second that each client may make, of every kind; empty: a sensible rate a kind.");
    RATE_LIMIT_BUCKET_SIZE = setting("RATE_LIMIT_BUCKET_SIZE", "a number from 1 to 1000000", "", "How many requests a client may make at once before the rate counts; empty: a sensible number a kind.");
    RATE_LIMIT_CLIENT_ACTIVE_INTERVAL_SECONDS = setting("RATE_LIMIT_CLIENT_ACTIVE_INTERVAL_SECONDS", "a number from 1 to 86400", "180", "Taken for compatibility; a client is forgotten when its bucket is full again.");
    RATE_LIMIT_CLEANUP_INTERVAL_SECONDS = setting("RATE_LIMIT_CLEANUP_INTERVAL_SECONDS", "a number from 1 to 86400", "60", "How often clients are forgotten whose bucket is full again.");
    RATE_LIMIT_LOG_INTERVAL_SECONDS = setting("RATE_LIMIT_LOG_INTERVAL_SECONDS", "a number from 1 to 86400", "60", "Taken for compatibility.");
    RATE_LIMIT_MAX_CLIENTS = setting("RATE_LIMIT_MAX_CLIENTS", "a number from 1 to 10000000", "100000", "How many clients are remembered at once; beyond it newcomers share one bucket.");
    HEALTH_LATE_SECONDS = setting("HEALTH_LATE_SECONDS", "a number from 1 to 86400", "120", "No cluster is late before this much silence; nor before two of its expected intervals.");
    HEALTH_LOST_SECONDS = setting("HEALTH_LOST_SECONDS", "a number from 1 to 604800", "300", "No cluster is lost before this much silence; nor before five of its expected intervals.");
    EVENT_RETENTION_DAYS = setting("EVENT_RETENTION_DAYS", "a number from 0 to 36500", "400", "How many days rows of the audit trail are kept; 0: for ever.");
    PROXY_TRUSTED = setting("PROXY_TRUSTED", "networks such as 10.0.0.0/8, separated by commas", "", "Load balancers: their connections must begin with a PROXY protocol header, nobody else's may.");
    EXTRA_CA_FILE = setting("EXTRA_CA_FILE", "a file with CA certificates in PEM", "", "CAs trusted for outgoing calls beside the system's.");
    ENCRYPTION_KEY_FILE = setting("ENCRYPTION_KEY_FILE", "a file with one key a line, each at least 32 characters", "", "Keys for what is encrypted in the database, the first encrypts; empty: derived from CLUSTER_CONNECTOR_TLS_PATH/tls.key.");
    VERSION = setting("VERSION", "a text", env!("CARGO_PKG_VERSION"), "The version shown to people.");
    API_VERSION = setting("API_VERSION", "a text", "1.0", "The API version shown to people.");
    LOG_LEVEL = setting("LOG_LEVEL", "error, warn, info, debug, trace, or a filter such as info,access=warn", "info", "What is logged.");
    LOG_FORMAT = setting("LOG_FORMAT", "text or json", "text", "How it is logged.");
    CONFIG_FILE = setting("CONFIG_FILE", "a YAML file", "", "More settings, under the same names in lower case; the environment wins.");
}

/// The reference page.
pub fn to_markdown() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Made from `workload/settings/src/table.rs`; a test keeps it current.\n\n\
         A setting comes from a flag, the environment, `<NAME>_FILE` (a secret's file), the file that `CONFIG_FILE` \
         names (YAML, the same names in lower case), or its default: the first that says it wins. An empty value is \
         none.\n\n| variable | default | must be | meaning |\n|---|---|---|---|\n",
    );
    for Setting { name, form, default, is_secret, meaning, .. } in ALL {
        let default = match default {
            _ if *name == "VERSION" => "the build's".to_owned(),
            &"" => String::new(),
            default => format!("`{default}`"),
        };
        let secret = if *is_secret { " Secret: never shown; can come as a file." } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{name}` | {default} | {form} | {meaning}{secret} |");
    }
    page
}
