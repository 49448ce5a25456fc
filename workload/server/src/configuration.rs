//! The settings as `GET /1.0/configuration` shows them (contract section 2), with secrets masked.

use std::collections::BTreeMap;

use api::SettingView;
use secrecy::ExposeSecret as _;
use settings::source::SettingError;
use settings::{Setting, Source, table, typed};

/// Shown instead of a secret. Its length says nothing about the secret.
const MASK: &str = "********";

/// The key, the setting and the title of each.
const SHOWN: &[(&str, &Setting, &str)] = &[
    ("api_version", &table::API_VERSION, "API version"),
    ("version", &table::VERSION, "Version"),
    ("cluster_connector_domain", &table::CLUSTER_CONNECTOR_DOMAIN, "Cluster connector domain"),
    ("cluster_connector_port", &table::CLUSTER_CONNECTOR_PORT, "Cluster connector port"),
    ("oidc_client_id", &table::OIDC_CLIENT_ID, "OIDC client ID"),
    ("oidc_client_secret", &table::OIDC_CLIENT_SECRET, "OIDC client secret"),
    ("oidc_issuer", &table::OIDC_ISSUER, "OIDC issuer"),
    ("oidc_audience", &table::OIDC_AUDIENCE, "OIDC audience"),
    ("db_max_idle_conns", &table::DB_MAX_IDLE, "Database connections, idle"),
    ("db_max_open_conns", &table::DB_MAX_OPEN, "Database connections, open"),
    ("grafana_base_url", &table::GRAFANA_BASE_URL, "Grafana base URL"),
    ("prometheus_base_url", &table::PROMETHEUS_BASE_URL, "Prometheus base URL"),
    ("rate_limit_refill_rate", &table::RATE_LIMIT_REFILL_RATE, "Rate limit, refill rate"),
    ("rate_limit_bucket_size", &table::RATE_LIMIT_BUCKET_SIZE, "Rate limit, bucket size"),
    (
        "rate_limit_client_active_interval",
        &table::RATE_LIMIT_CLIENT_ACTIVE_INTERVAL_SECONDS,
        "Rate limit, client active interval",
    ),
    (
        "rate_limit_cleanup_interval",
        &table::RATE_LIMIT_CLEANUP_INTERVAL_SECONDS,
        "Rate limit, cleanup interval",
    ),
    ("rate_limit_log_interval", &table::RATE_LIMIT_LOG_INTERVAL_SECONDS, "Rate limit, log interval"),
    ("rate_limit_max_clients", &table::RATE_LIMIT_MAX_CLIENTS, "Rate limit, maximum clients"),
];

/// Returns all settings that are shown, by their keys.
pub fn shown(source: &Source) -> Result<BTreeMap<&'static str, SettingView>, SettingError> {
    let mut all = BTreeMap::new();
    for (key, setting, title) in SHOWN {
        let value = if setting.is_secret {
            let is_set = !source.secret(setting)?.expose_secret().is_empty();
            if is_set { MASK.to_owned() } else { String::new() }
        } else {
            without_password(&source.text(setting)?.unwrap_or_default())
        };
        all.insert(*key, view(value, title, setting.meaning));
    }
    let database = connection_string(&typed::Database::from(source)?);
    all.insert(
        "db_connection_string",
        view(database, "Database connection", "The database's address, user and name."),
    );
    Ok(all)
}

fn view(value: String, title: &str, description: &str) -> SettingView {
    SettingView { value, title: title.to_owned(), description: description.to_owned() }
}

fn connection_string(database: &typed::Database) -> String {
    let typed::Database { servers, user, password, name, disable_tls, .. } = database;
    let servers = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let password = if password.expose_secret().is_empty() { String::new() } else { format!(":{MASK}") };
    let mode = if *disable_tls { "disable" } else { "require" };
    format!("postgres://{user}{password}@{servers}/{name}?sslmode={mode}")
}

/// Masks the user and the password in URLs.
fn without_password(value: &str) -> String {
    // A setting may hold several URLs, separated by spaces.
    value.split_whitespace().map(address_without_password).collect::<Vec<_>>().join(" ")
}

fn address_without_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}@{}", &rest[at + 1..]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_for(variables: &[(&str, &str)]) -> BTreeMap<&'static str, SettingView> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        shown(&Source::from_variables(variables.collect::<Vec<_>>()).unwrap()).unwrap()
    }

    #[test]
    fn secrets_are_masked() {
        let all = shown_for(&[
            ("DB_PASSWORD", "canary"),
            ("OIDC_CLIENT_SECRET", "canary"),
            (
                "PROMETHEUS_BASE_URL",
                "https://a.example.com/write https://user:canary@prometheus.example.com/api/v1/write",
            ),
        ]);
        assert!(!format!("{all:?}").contains("canary"));
        assert_eq!(all["oidc_client_secret"].value, MASK);
        assert_eq!(
            all["db_connection_string"].value,
            "postgres://admin:********@db-svc:5432/cm?sslmode=disable"
        );
        assert_eq!(
            all["prometheus_base_url"].value,
            "https://a.example.com/write https://********@prometheus.example.com/api/v1/write"
        );
    }

    #[test]
    fn all_keys_of_the_contract_are_shown() {
        let all = shown_for(&[]);
        let keys: Vec<&str> = all.keys().copied().collect();
        assert_eq!(
            keys,
            [
                "api_version",
                "cluster_connector_domain",
                "cluster_connector_port",
                "db_connection_string",
                "db_max_idle_conns",
                "db_max_open_conns",
                "grafana_base_url",
                "oidc_audience",
                "oidc_client_id",
                "oidc_client_secret",
                "oidc_issuer",
                "prometheus_base_url",
                "rate_limit_bucket_size",
                "rate_limit_cleanup_interval",
                "rate_limit_client_active_interval",
                "rate_limit_log_interval",
                "rate_limit_max_clients",
                "rate_limit_refill_rate",
                "version",
            ]
        );
        for (key, setting) in &all {
            let text = setting.description.to_lowercase();
            assert!(!text.starts_with(&setting.title.to_lowercase()), "{key}: {text}");
        }
        assert_eq!(all["oidc_client_secret"].value, "");
        assert_eq!(all["api_version"].value, "1.0");
    }
}
