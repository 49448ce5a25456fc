//! Settings turned into a relay of the clusters' metrics.

use std::path::Path;
use std::time::Duration;

use relay::filter::{Group, InvalidMatcher, Matcher, Rules};
use relay::labels::JobLabel;
use relay::{Config, Credentials, Endpoint, Relay, SinkConfig, SpoolConfig};
use serde::Deserialize;
use settings::{Source, table, typed};

use cli::Failure;
use cli::setup::read_file;

/// Timeout of a request to a sink.
const SINK_TIMEOUT: Duration = Duration::from_secs(30);

/// The file in `RELAY_RULES_FILE`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RulesFile {
    allow: Vec<String>,
    deny: Vec<String>,
    groups: Vec<GroupInFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupInFile {
    name: String,
    matchers: Vec<String>,
    /// A duration such as `5m` or `1h 30m`.
    #[serde(deserialize_with = "duration")]
    every: Duration,
}

/// Starts the relay that the settings ask for. `None` if there are no sinks.
pub(crate) fn start(source: &Source) -> Result<Option<Relay>, Failure> {
    let settings = typed::Relay::from(source)?;
    // Read the rules even without sinks, so that mistakes show early.
    let rules = settings.rules_file.as_deref().map(rules).transpose()?.unwrap_or_default();
    if settings.sinks.is_empty() {
        return Ok(None);
    }
    let extra_ca_pem =
        settings.extra_ca_file.as_deref().map(|path| read_file(&table::EXTRA_CA_FILE, path)).transpose()?;
    let mut sinks = Vec::new();
    for url in settings.sinks {
        let credentials = match &settings.bearer_token {
            Some(token) if url.username().is_empty() => Credentials::Bearer(token.clone()),
            // The client takes a user and a password from the URL.
            _ => Credentials::None,
        };
        let name = name(&url, sinks.iter().map(|sink: &SinkConfig| sink.name.as_str()));
        let spool = settings
            .spool_path
            .as_ref()
            .map(|folder| SpoolConfig { directory: folder.join(&name), bytes: settings.spool_bytes });
        let endpoint =
            Endpoint { url, extra_ca_pem: extra_ca_pem.clone(), credentials, timeout: SINK_TIMEOUT };
        let sink = SinkConfig::new(name, endpoint);
        // The parts are those that the description of RELAY_MEMORY_MB gives.
        sinks.push(SinkConfig { memory_bytes: settings.memory_bytes / 8 * 3, spool, ..sink });
    }
    let mut config = Config::new(sinks);
    config.cluster_bytes = settings.cluster_bytes;
    config.intake_bytes = (settings.memory_bytes / 4).max(2 * settings.cluster_bytes);
    config.packing.max_cluster_series = settings.cluster_series;
    config.packing.max_known_bytes = (settings.memory_bytes / 4).max(1_000_000);
    // One journal for all sinks, beside their folders.
    config.journal = settings.spool_path;
    config.packing.rules = rules;
    config.packing.job = if settings.is_job_folded { JobLabel::Folded } else { JobLabel::Name };
    let relay =
        Relay::start(config).map_err(|error| Failure::Other(format!("cannot start the relay: {error}")))?;
    Ok(Some(relay))
}

/// Reads a file of rules.
pub(crate) fn rules(path: &Path) -> Result<Rules, Failure> {
    let text = std::fs::read(path).map_err(|error| {
        Failure::Other(format!("cannot read the relay's rules from {}: {error}", path.display()))
    })?;
    parse_rules(&text).map_err(|error| {
        Failure::Usage(format!("the relay's rules in {} are invalid: {error}", path.display()))
    })
}

fn parse_rules(text: &[u8]) -> Result<Rules, String> {
    let yaml: serde_yaml::Value = serde_yaml::from_slice(text).map_err(|error| error.to_string())?;
    // The error for any other file would repeat all of its content.
    if !yaml.is_mapping() {
        return Err("it must contain allow, deny or groups".to_owned());
    }
    let file: RulesFile = serde_yaml::from_value(yaml).map_err(|error| error.to_string())?;
    rules_of(file).map_err(|error| error.to_string())
}

fn rules_of(file: RulesFile) -> Result<Rules, InvalidMatcher> {
    let matchers = |texts: Vec<String>| -> Result<Vec<Matcher>, InvalidMatcher> {
        texts.iter().map(|text| text.parse()).collect()
    };
    let groups: Result<Vec<Group>, InvalidMatcher> = file
        .groups
        .into_iter()
        .map(|group| {
            let matchers: Vec<Matcher> = matchers(group.matchers)?;
            Ok(Group { name: group.name, matchers, interval: group.every })
        })
        .collect();
    Ok(Rules { allow: matchers(file.allow)?, deny: matchers(file.deny)?, groups: groups? })
}

/// Names a sink after its host, for metrics, logs and the spool. The rest of the URL may hold secrets.
fn name<'a>(url: &url::Url, taken: impl Iterator<Item = &'a str>) -> String {
    let host = url.host_str().unwrap_or("sink");
    let is_safe = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-');
    let host: String = host.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    let port = url.port().map(|port| format!("_{port}")).unwrap_or_default();
    let base = format!("{host}{port}");
    let taken: Vec<&str> = taken.collect();
    if !taken.contains(&base.as_str()) {
        return base;
    }
    (2..taken.len() + 3)
        .map(|number| format!("{base}_{number}"))
        .find(|name| !taken.contains(&name.as_str()))
        .unwrap_or(base)
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_file_is_parsed() {
        let rules = parse_rules(
            b"allow: [lxd_*]\ndeny: ['lxd_disk_*{device=\"loop*\"}']\n\
             groups:\n- {name: slow, matchers: [lxd_filesystem_*], every: 5m}",
        )
        .unwrap();
        assert_eq!((rules.allow.len(), rules.deny.len()), (1, 1));
        assert_eq!(
            (rules.groups[0].name.as_str(), rules.groups[0].interval),
            ("slow", Duration::from_mins(5))
        );
        assert_eq!(parse_rules(b"{}").unwrap(), Rules::default());
    }

    #[test]
    fn mistake_in_rules_is_named() {
        for (yaml, part) in [
            ("alow: []", "alow"),
            ("A whole book.", "it must contain allow, deny or groups"),
            ("deny: ['a b']", "a b"),
            ("groups: [{name: x, matchers: [], every: soon}]", "every"),
        ] {
            let error = parse_rules(yaml.as_bytes()).unwrap_err();
            assert!(error.contains(part) || error.contains("time") || error.contains("expected"), "{error}");
        }
    }

    #[test]
    fn sinks_are_named_after_their_hosts() {
        let named = |text: &str, taken: &[&str]| name(&text.parse().unwrap(), taken.iter().copied());
        assert_eq!(named("https://u:p@mimir.example.com/api/v1/push", &[]), "mimir.example.com");
        assert_eq!(named("http://[::1]:9090/x", &[]), "___1__9090");
        assert_eq!(named("http://a:1/x", &["a_1"]), "a_1_2");
    }
}
