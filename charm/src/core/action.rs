//! The actions: the workload's command that each runs, and the results built from its output.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// An action with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `create-token`, `enroll-cluster`.
    CreateToken {
        /// The cluster's name.
        cluster: String,
        /// A description of the cluster.
        description: Option<String>,
        /// The time at which the token expires, or how long it is valid.
        expiry: Option<String>,
    },
    /// `list-clusters`.
    ListClusters {
        /// The maximum number of clusters to list.
        limit: usize,
    },
    /// `revoke-token`.
    RevokeToken {
        /// The cluster's name.
        cluster: String,
    },
    /// `rotate-connector-certificate`, which runs no command of the workload.
    Rotate {
        /// Whether to only report what a rotation would do.
        dry_run: bool,
    },
}

/// The results of an action, by key.
pub type Results = BTreeMap<&'static str, String>;

const UNREADABLE_OUTPUT: &str = "cannot parse the output of the workload's command";

// === impl Action ===

impl Action {
    /// Parses an action. Juju has validated its parameters against `actions.yaml`.
    pub fn read(name: &str, parameters: &BTreeMap<String, Value>) -> Result<Self, String> {
        let text = |key: &str| parameters.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let cluster =
            || text("cluster").map(str::to_owned).ok_or("the parameter cluster is required: cluster=NAME");
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
            // Anything but an explicit `dry-run=false` is a dry run.
            "rotate-connector-certificate" => {
                Self::Rotate { dry_run: parameters.get("dry-run").and_then(Value::as_bool).unwrap_or(true) }
            }
            other => return Err(format!("unknown action {other}")),
        })
    }

    /// The arguments of the workload's command. A rotation lists the clusters to count them.
    pub fn arguments(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::CreateToken { cluster, description, expiry } => {
                let mut arguments = words(&["token", "create", "--output=json"]);
                arguments.extend(description.iter().map(|text| format!("--description={text}")));
                arguments.extend(expiry.iter().map(|time| format!("--expire={time}")));
                // The name may begin with a dash.
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

    /// Parses the output of the workload's command.
    pub fn results(&self, output: &str) -> Result<Results, String> {
        match self {
            Self::CreateToken { .. } => token_results(output),
            Self::ListClusters { limit } => list_results(output, *limit),
            Self::RevokeToken { cluster } => Ok([("revoked", cluster.clone())].into()),
            Self::Rotate { .. } => Ok(Results::new()),
        }
    }
}

/// The number of clusters in the output of `cluster list --output=json`.
pub fn count_clusters(output: &str) -> Option<u64> {
    let clusters: Vec<serde::de::IgnoredAny> = serde_json::from_str(output).ok()?;
    u64::try_from(clusters.len()).ok()
}

/// The message for a failed command: the last line of its standard error.
pub fn failure_message(code: i64, errors: &str) -> String {
    let last = errors.lines().map(str::trim).rfind(|line| !line.is_empty());
    let last = last.unwrap_or("the command failed without an error message");
    let last = last.strip_prefix("error: ").unwrap_or(last);
    match code {
        5 => format!("the database does not respond: {last}"),
        _ => last.to_owned(),
    }
}

fn token_results(output: &str) -> Result<Results, String> {
    #[derive(Deserialize)]
    struct Created {
        token: String,
        command: String,
        expires_at: String,
    }
    // The output may contain a token, so the error does not repeat it.
    let created: Created = serde_json::from_str(output).map_err(|_| UNREADABLE_OUTPUT)?;
    Ok([("token", created.token), ("command", created.command), ("expires-at", created.expires_at)].into())
}

fn list_results(output: &str, limit: usize) -> Result<Results, String> {
    let all: Vec<Value> = serde_json::from_str(output).map_err(|_| UNREADABLE_OUTPUT)?;
    let listed: Vec<Value> = all.iter().take(limit).map(summary).collect();
    Ok([("count", all.len().to_string()), ("clusters", Value::from(listed).to_string())].into())
}

/// The fields of a cluster that `list-clusters` shows.
fn summary(cluster: &Value) -> Value {
    let mut summary = serde_json::Map::new();
    for key in ["name", "description", "last_heartbeat_at", "member_count", "instance_count"] {
        summary.insert(key.replace('_', "-"), cluster[key].clone());
    }
    summary.insert("health".to_owned(), cluster["health"]["state"].clone());
    let warnings = cluster["warnings"].as_array().into_iter().flatten();
    summary.insert("warnings".to_owned(), warnings.map(|warning| warning["text"].clone()).collect());
    summary.retain(|_, value| !value.is_null());
    summary.into()
}
