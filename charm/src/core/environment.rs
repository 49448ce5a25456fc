//! The environment of the services, and the files that it refers to.

use std::collections::BTreeMap;

use ipnet::IpNet;
use protocol::Address;
use settings::{Setting, table};
use sha2::{Digest as _, Sha256};

use super::config::Config;
use super::connector_certificate::{ActiveLeaf, announced_fingerprint};
use super::database::{Database, Tls};
use super::facts::{Pair, Secret};
use super::names::{
    CONNECTOR_PORT, CONNECTOR_SERVICE, CONNECTOR_STATUS_PORT, CONNECTOR_TLS, DATABASE_CA, DATABASE_PASSWORD,
    ENCRYPTION_KEYS, EXTRA_CA, MANAGEMENT_PORT, MANAGEMENT_SERVICE, MANAGEMENT_STATUS_PORT, MANAGEMENT_TLS,
    OIDC_SECRET,
};
use super::sign_in::Provider;

/// The variable with the digest of the files that the workload reads only at its start. A new value makes Pebble restart
/// the services. The workload ignores it.
pub const FILES_DIGEST: &str = "CHARM_FILES";

/// Environment variables.
pub type Variables = BTreeMap<String, String>;
/// Files by path. A file without content is removed.
pub type Files = BTreeMap<&'static str, Option<Secret>>;

/// The inputs of the workload's configuration.
#[derive(Debug, Clone)]
pub struct WorkloadInputs {
    /// The options.
    pub config: Config,
    /// The database.
    pub database: Database,
    /// The identity provider.
    pub provider: Provider,
    /// The management API's certificate.
    pub management: Pair,
    /// The connector's active leaf certificate.
    pub connector: ActiveLeaf,
    /// The keys that encrypt data in the database.
    pub encryption_keys: Secret,
    /// The CAs for outgoing calls, in PEM.
    pub authorities: Option<String>,
    /// The public address of the management API.
    pub management_address: Address,
    /// The networks that send PROXY headers to the connector.
    pub proxies: Vec<IpNet>,
    /// Whether they also send them to the management API. An ingress does not.
    pub management_proxied: bool,
    /// The remote-write URLs for the metrics of clusters.
    pub sinks: Vec<String>,
    /// The base URL of links to dashboards.
    pub grafana: Option<String>,
}

impl WorkloadInputs {
    /// The environment of each service, by its name.
    pub fn services(&self) -> BTreeMap<&'static str, Variables> {
        let common = self.common();
        let with_common = |more: Vec<(&Setting, String)>| {
            let more = more.into_iter().map(|(setting, value)| (setting.name.to_owned(), value));
            common.clone().into_iter().chain(more).collect::<Variables>()
        };
        let management = with_common(self.management_only());
        let connector = with_common(self.connector_only());
        [(MANAGEMENT_SERVICE, management), (CONNECTOR_SERVICE, connector)].into()
    }

    /// All files, including those to remove.
    pub fn files(&self) -> Files {
        let line = |text: &Secret| Some(Secret::new(format!("{}\n", text.expose())));
        let public = |text: Option<&String>| text.map(Secret::new);
        let ca = if let Tls::Verified(ca) = &self.database.tls { Some(ca) } else { None };
        let connector = &self.connector.leaf.pair;
        let [management_crt, management_key, connector_crt, connector_key] = TLS_FILES;
        [
            (management_crt, public(Some(&self.management.certificate))),
            (management_key, Some(self.management.key.clone())),
            (connector_crt, public(Some(&connector.certificate))),
            (connector_key, Some(connector.key.clone())),
            // The workload strips one line break from the end of a secret's file.
            (DATABASE_PASSWORD, line(&self.database.password)),
            (DATABASE_CA, public(ca)),
            (OIDC_SECRET, self.provider.client_secret.as_ref().and_then(line)),
            (ENCRYPTION_KEYS, line(&self.encryption_keys)),
            (EXTRA_CA, public(self.authorities.as_ref())),
        ]
        .into()
    }

    fn common(&self) -> Variables {
        let Self { config, database, connector, .. } = self;
        let mut variables = Variables::new();
        let mut set = |setting: &Setting, value: String| variables.insert(setting.name.to_owned(), value);
        set(&table::CLUSTER_CONNECTOR_TLS_PATH, CONNECTOR_TLS.to_owned());
        set(&table::CLUSTER_CONNECTOR_DOMAIN, connector.domain.clone());
        set(&table::CLUSTER_CONNECTOR_PORT, config.connector.port().to_string());
        set(&table::DB_HOST, database.host.clone());
        set(&table::DB_PORT, database.port.to_string());
        set(&table::DB_USER, database.user.expose().to_owned());
        set(&table::DB_NAME, database.name.clone());
        set(&table::DB_DISABLE_TLS, (database.tls == Tls::Off).to_string());
        if matches!(database.tls, Tls::Verified(_)) {
            set(&table::DB_CA_FILE, DATABASE_CA.to_owned());
        }
        set(&table::ENCRYPTION_KEY_FILE, ENCRYPTION_KEYS.to_owned());
        set(&table::LOG_FORMAT, "json".to_owned());
        if self.authorities.is_some() {
            set(&table::EXTRA_CA_FILE, EXTRA_CA.to_owned());
        }
        for setting in COPIED_SETTINGS {
            if let Some(value) = config.setting(setting) {
                set(setting, value.to_owned());
            }
        }
        variables.insert(format!("{}_FILE", table::DB_PASSWORD.name), DATABASE_PASSWORD.to_owned());
        variables.insert(FILES_DIGEST.to_owned(), self.digest());
        variables
    }

    fn management_only(&self) -> Vec<(&'static Setting, String)> {
        let mut variables = vec![
            (&table::SERVICE, MANAGEMENT_SERVICE.to_owned()),
            (&table::SERVER_PORT, MANAGEMENT_PORT.to_string()),
            (&table::STATUS_PORT, MANAGEMENT_STATUS_PORT.to_string()),
            (&table::MANAGEMENT_API_TLS_PATH, MANAGEMENT_TLS.to_owned()),
            (&table::MANAGEMENT_API_DOMAIN, without_default_port(&self.management_address)),
            (&table::OIDC_ISSUER, self.provider.issuer.clone()),
            (&table::OIDC_CLIENT_ID, self.provider.client_id.clone()),
        ];
        if self.provider.client_secret.is_some() {
            variables.push((&OIDC_CLIENT_SECRET_FILE, OIDC_SECRET.to_owned()));
        }
        if let Some(grafana) = &self.grafana {
            variables.push((&table::GRAFANA_BASE_URL, grafana.clone()));
        }
        // The settings page shows the sinks.
        variables.extend(self.sinks());
        if self.management_proxied {
            variables.extend(self.proxies());
        }
        variables
    }

    fn connector_only(&self) -> Vec<(&'static Setting, String)> {
        let mut variables = vec![
            (&table::SERVICE, CONNECTOR_SERVICE.to_owned()),
            (&table::SERVER_PORT, CONNECTOR_PORT.to_string()),
            (&table::STATUS_PORT, CONNECTOR_STATUS_PORT.to_string()),
        ];
        if let Some(fingerprint) = announced_fingerprint(&self.connector) {
            variables.push((&table::CLUSTER_CONNECTOR_FINGERPRINT, fingerprint.to_string()));
        }
        variables.extend(self.sinks());
        variables.extend(self.proxies());
        variables
    }

    fn sinks(&self) -> Option<(&'static Setting, String)> {
        (!self.sinks.is_empty()).then(|| (&table::PROMETHEUS_BASE_URL, self.sinks.join(" ")))
    }

    fn proxies(&self) -> Option<(&'static Setting, String)> {
        let networks: Vec<_> = self.proxies.iter().map(ToString::to_string).collect();
        (!networks.is_empty()).then(|| (&table::PROXY_TRUSTED, networks.join(",")))
    }

    /// The digest of the files that are read only at the start. Random keys among them prevent guessing the others.
    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        let files = self.files();
        for (path, content) in files.iter().filter(|(path, _)| !RELOADED_FILES.contains(path)) {
            digest.update(path);
            digest.update([0]);
            digest.update(content.as_ref().map_or("", Secret::expose));
            digest.update([0]);
        }
        hex::encode(digest.finalize())
    }
}

const TLS_FILES: [&str; 4] = [
    "/var/lib/cluster-manager/management/tls.crt",
    "/var/lib/cluster-manager/management/tls.key",
    "/var/lib/cluster-manager/connector/tls.crt",
    "/var/lib/cluster-manager/connector/tls.key",
];
/// The files that the workload reloads when they change.
const RELOADED_FILES: [&str; 2] = [TLS_FILES[0], TLS_FILES[1]];

/// The setting that names the file with the client secret.
const OIDC_CLIENT_SECRET_FILE: Setting =
    Setting { name: "OIDC_CLIENT_SECRET_FILE", ..table::OIDC_CLIENT_SECRET };

/// The settings of both services that are copied from options.
const COPIED_SETTINGS: [&Setting; 7] = [
    &table::OIDC_AUDIENCE,
    &table::OIDC_GROUPS_CLAIM,
    &table::ROLE_MAPPING,
    &table::RATE_LIMIT_REFILL_RATE,
    &table::RATE_LIMIT_BUCKET_SIZE,
    &table::RATE_LIMIT_MAX_CLIENTS,
    &table::LOG_LEVEL,
];

/// The host, with the port unless it is 443.
pub fn without_default_port(address: &Address) -> String {
    let text = address.to_string();
    text.strip_suffix(":443").map(str::to_owned).unwrap_or(text)
}
