//! The options, validated as the workload validates its settings.

use std::collections::BTreeMap;

use ipnet::IpNet;
use protocol::Address;
use serde_json::Value;
use settings::{Setting, SettingError, Source, table, typed};

use super::facts::Facts;
use super::status::Condition;

/// The options and their settings. The domains are listed only for validation.
pub const OPTIONS: &[(&str, &Setting)] = &[
    ("management-api-domain", &table::MANAGEMENT_API_DOMAIN),
    ("cluster-connector-domain", &table::CLUSTER_CONNECTOR_DOMAIN),
    ("cluster-connector-port", &table::CLUSTER_CONNECTOR_PORT),
    ("oidc-issuer", &table::OIDC_ISSUER),
    ("oidc-client-id", &table::OIDC_CLIENT_ID),
    ("oidc-audience", &table::OIDC_AUDIENCE),
    ("oidc-groups-claim", &table::OIDC_GROUPS_CLAIM),
    ("role-mapping", &table::ROLE_MAPPING),
    ("rate-limit-refill-rate", &table::RATE_LIMIT_REFILL_RATE),
    ("rate-limit-bucket-size", &table::RATE_LIMIT_BUCKET_SIZE),
    ("rate-limit-max-clients", &table::RATE_LIMIT_MAX_CLIENTS),
    ("log-level", &table::LOG_LEVEL),
    ("trusted-proxies", &table::PROXY_TRUSTED),
];

/// The source of the connector's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSource {
    /// Generated once by the charm.
    Pinned,
    /// From a secret of the operator.
    Imported,
    /// From the relation `certificates`.
    Integrated,
}

/// The validated options.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public address of the management API.
    pub management: Address,
    /// The public address of the connector, as clusters call it.
    pub connector: Address,
    /// The source of the connector's certificate.
    pub source: CertificateSource,
    /// The networks of the load balancers that send PROXY headers.
    pub trusted_proxies: Vec<IpNet>,
    /// The options that become settings, by the name of the setting.
    settings: BTreeMap<&'static str, String>,
}

// === impl Config ===

impl Config {
    /// Validates the options. The error lists every problem.
    pub fn read(facts: &Facts) -> Result<Self, Vec<Condition>> {
        let settings = settings(facts);
        let mut problems = Vec::new();
        for (option, setting) in DOMAINS {
            if !settings.contains_key(setting.name) {
                let app = &facts.app;
                problems.push(Condition::blocked(format!("set {option}: juju config {app} {option}=HOST")));
            }
        }
        let source = facts.text("connector-certificate").unwrap_or("pinned").parse();
        let variables = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let checked = Source::from_variables(variables).and_then(|source| Checked::read(&source));
        match (checked, source) {
            (
                Ok(Checked { management: Some(management), connector: Some(connector), trusted_proxies }),
                Ok(source),
            ) if problems.is_empty() => Ok(Self { management, connector, source, trusted_proxies, settings }),
            (checked, source) => {
                problems.extend(checked.err().map(|error| Condition::blocked(describe(&error))));
                problems.extend(source.err().map(|()| {
                    let text = "option connector-certificate must be pinned, imported or integrated";
                    Condition::blocked(text)
                }));
                Err(problems)
            }
        }
    }

    /// The option for a setting, if it is set.
    pub fn setting(&self, setting: &Setting) -> Option<&str> {
        self.settings.get(setting.name).map(String::as_str)
    }
}

/// The options that the workload's own validation parses.
struct Checked {
    management: Option<Address>,
    connector: Option<Address>,
    trusted_proxies: Vec<IpNet>,
}

const DOMAINS: [(&str, &Setting); 2] = [
    ("management-api-domain", &table::MANAGEMENT_API_DOMAIN),
    ("cluster-connector-domain", &table::CLUSTER_CONNECTOR_DOMAIN),
];

impl Checked {
    fn read(source: &Source) -> Result<Self, SettingError> {
        typed::RateLimits::from(source)?;
        typed::Log::from(source)?;
        source.parsed::<fleet::RoleMapping>(&table::ROLE_MAPPING)?;
        let invalid = |setting: &Setting, text: String| SettingError::Invalid {
            name: setting.name,
            form: setting.form,
            shown: format!(", not {text:?}"),
        };
        let (management, connector) = (&table::MANAGEMENT_API_DOMAIN, &table::CLUSTER_CONNECTOR_DOMAIN);
        let port = typed::connector_port(source)?;
        let connector = source
            .text(connector)?
            .map(|host| Address::new(&host, port).map_err(|_| invalid(connector, host)))
            .transpose()?;
        let management = source
            .text(management)?
            .map(|text| host_and_port(&text).ok_or_else(|| invalid(management, text)))
            .transpose()?;
        // `sign_in` validates the identity provider, which may come from the options or a relation.
        Ok(Self { management, connector, trusted_proxies: typed::trusted_proxies(source)? })
    }
}

impl std::str::FromStr for CertificateSource {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "pinned" => Ok(Self::Pinned),
            "imported" => Ok(Self::Imported),
            "integrated" => Ok(Self::Integrated),
            _ => Err(()),
        }
    }
}

impl CertificateSource {
    /// The value of the option.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Imported => "imported",
            Self::Integrated => "integrated",
        }
    }
}

/// Parses `HOST[:PORT]`. The default port is 443.
pub fn host_and_port(text: &str) -> Option<Address> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()?),
        _ => (text, 443),
    };
    Address::new(host, port).ok()
}

fn settings(facts: &Facts) -> BTreeMap<&'static str, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    let value = |option: &str| facts.config.get(option).and_then(text).filter(|text| !text.is_empty());
    OPTIONS.iter().filter_map(|(option, setting)| Some((setting.name, value(option)?))).collect()
}

/// Describes an invalid setting, with the name of its option.
pub fn describe(error: &SettingError) -> String {
    let option = |name: &str| {
        let found = OPTIONS.iter().find(|(_, setting)| setting.name == name);
        found.map_or_else(|| name.to_owned(), |(option, _)| format!("option {option}"))
    };
    match error {
        SettingError::Missing { name, form } => format!("{} must be {form}", option(name)),
        SettingError::Invalid { name, form, shown } => format!("{} must be {form}{shown}", option(name)),
        SettingError::File { problem, .. } => problem.clone(),
    }
}
