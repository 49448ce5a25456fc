//! Actions that are commands of the workload's: what is run, and what its answer means to a person.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `create-token`, `enroll-cluster`.
    CreateToken {
        /// The cluster's name.
        cluster: String,
        /// What it is for.
        description: Option<String>,
        /// When the token ends.
        expiry: Option<String>,
    },
    /// `list-clusters`.
    ListClusters {
        /// At most so many.
        limit: usize,
    },
    /// `revoke-token`.
    RevokeToken {
        /// The cluster's name.
        cluster: String,
    },
    /// `rotate-connector-certificate`, which is no command of the workload's.
    Rotate {
        /// Only says what it would do.
        trial: bool,
    },
}

/// What a person is told, by keys.
pub type Results = BTreeMap<&'static str, String>;

// === impl Action ===

impl Action {
    /// Reads an action by its name and parameters; Juju has checked them against `actions.yaml`.
    pub fn read(name: &str, parameters: &BTreeMap<String, Value>) -> Result<Self, String> {
        let text = |key: &str| parameters.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let cluster = || text("cluster").map(str::to_owned).ok_or("say which cluster: cluster=NAME");
        Ok(match name {
            "create-token" | "enroll-cluster" => Self::CreateToken {
                cluster: cluster()?,
                description: text("description").map(str::to_owned),
                expiry: text("expiry").map(str::to_owned),
            },
            "list-clusters" => {
                let limit = parameters.get("limit").and_then(Value::as_u64).unwrap_or(100);
                Self::ListClusters { limit: usize::try_from(limit).unwrap_or(usize::MAX) }
            }
            "revoke-token" => Self::RevokeToken { cluster: cluster()? },
            // Whoever does not say clearly that it is meant gets a trial run.
            "rotate-connector-certificate" => {
                Self::Rotate { trial: parameters.get("dry-run").and_then(Value::as_bool).unwrap_or(true) }
            }
            other => return Err(format!("there is no action {other}")),
        })
    }

    /// The workload's arguments for it.
    pub fn arguments(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::CreateToken { cluster, description, expiry } => {
                let mut arguments = words(&["token", "create", "--output=json"]);
                arguments.extend(description.iter().map(|text| format!("--description={text}")));
                arguments.extend(expiry.iter().map(|time| format!("--expire={time}")));
                // A name may begin with a dash.
                arguments.extend(["--".to_owned(), cluster.clone()]);
                arguments
            }
            Self::ListClusters { .. } | Self::Rotate { .. } => words(&["cluster", "list", "--output=json"]),
            Self::RevokeToken { cluster } => {
                let mut arguments = words(&["token", "revoke", "--"]);
                arguments.push(cluster.clone());
                arguments
            }
        }
    }

    /// What the workload's answer means.
    pub fn results(&self, output: &str) -> Result<Results, String> {
        match self {
            Self::CreateToken { .. } => token(output),
            Self::ListClusters { limit } => clusters(output, *limit),
            Self::RevokeToken { cluster } => Ok([("revoked", cluster.clone())].into()),
            Self::Rotate { .. } => Ok(Results::new()),
        }
    }
}

/// How many clusters there are, of `cluster list --output=json`.
pub fn count(output: &str) -> Option<u64> {
    let clusters: Vec<serde::de::IgnoredAny> = serde_json::from_str(output).ok()?;
    u64::try_from(clusters.len()).ok()
}

/// Why a command failed, from its exit code and its last words.
pub fn failure(code: i64, errors: &str) -> String {
    let last = errors.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it did not say why");
    let last = last.strip_prefix("error: ").unwrap_or(last);
    match code {
        5 => format!("the database does not answer: {last}"),
        _ => last.to_owned(),
    }
}

fn token(output: &str) -> Result<Results, String> {
    #[derive(Deserialize)]
    struct Made {
        token: String,
        command: String,
        expires_at: String,
    }
    // What cannot be read may be a token, so it is not repeated.
    let made: Made = serde_json::from_str(output).map_err(|_| "the workload's answer cannot be read")?;
    Ok([("token", made.token), ("command", made.command), ("expires-at", made.expires_at)].into())
}

fn clusters(output: &str, limit: usize) -> Result<Results, String> {
    let all: Vec<Value> = serde_json::from_str(output).map_err(|_| "the workload's answer cannot be read")?;
    let shown: Vec<Value> = all.iter().take(limit).map(shown).collect();
    Ok([("count", all.len().to_string()), ("clusters", Value::from(shown).to_string())].into())
}

fn shown(cluster: &Value) -> Value {
    let mut shown = serde_json::Map::new();
    for key in ["name", "description", "last_heartbeat_at", "member_count", "instance_count"] {
        shown.insert(key.replace('_', "-"), cluster[key].clone());
    }
    shown.insert("health".to_owned(), cluster["health"]["state"].clone());
    let warnings = cluster["warnings"].as_array().into_iter().flatten();
    shown.insert("warnings".to_owned(), warnings.map(|warning| warning["text"].clone()).collect());
    shown.retain(|_, value| !value.is_null());
    shown.into()
}
