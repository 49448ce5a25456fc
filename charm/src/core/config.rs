//! The options, checked as the workload would check them.

use std::collections::BTreeMap;

use ipnet::IpNet;
use protocol::Address;
use serde_json::Value;
use settings::{Setting, SettingError, Source, table, typed};

use super::facts::Facts;
use super::status::Condition;

/// Which option becomes which setting, as it is. The domains are here for the check alone.
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

/// Where the connector's certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSource {
    /// Made once by us.
    Pinned,
    /// From a secret of the operator's.
    Imported,
    /// From the relation `certificates`.
    Integrated,
}

/// The options as they are to be used.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people reach the management API.
    pub management: Address,
    /// Where sites are to reach the connector.
    pub connector: Address,
    /// Where the connector's certificate comes from.
    pub source: CertificateSource,
    /// The load balancers, where the operator names them.
    pub trusted_proxies: Vec<IpNet>,
    /// Options that become settings, by the setting's name.
    settings: BTreeMap<&'static str, String>,
}

// === impl Config ===

impl Config {
    /// Reads the options; else says all that is wrong with them.
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
                problems.extend(checked.err().map(|error| Condition::blocked(in_words(&error))));
                problems.extend(source.err().map(|()| {
                    let text = "option connector-certificate must be pinned, imported or integrated";
                    Condition::blocked(text)
                }));
                Err(problems)
            }
        }
    }

    /// An option under its setting's name.
    pub fn setting(&self, setting: &Setting) -> Option<&str> {
        self.settings.get(setting.name).map(String::as_str)
    }
}

/// What the workload's own checks make of the options.
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
        // Whoever signs in is checked where it is known who says it: options or relation.
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
    /// The option's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Imported => "imported",
            Self::Integrated => "integrated",
        }
    }
}

/// Where people reach something: the port is 443 unless said.
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
    let said = |option: &str| facts.config.get(option).and_then(text).filter(|text| !text.is_empty());
    OPTIONS.iter().filter_map(|(option, setting)| Some((setting.name, said(option)?))).collect()
}

/// What is wrong with a setting, by the option's name.
pub fn in_words(error: &SettingError) -> String {
    let option = |name: &str| {
        let named = OPTIONS.iter().find(|(_, setting)| setting.name == name);
        named.map_or_else(|| name.to_owned(), |(option, _)| format!("option {option}"))
    };
    match error {
        SettingError::Missing { name, form } => format!("{} must be {form}", option(name)),
        SettingError::Invalid { name, form, shown } => format!("{} must be {form}{shown}", option(name)),
        SettingError::File { problem, .. } => problem.clone(),
    }
}
