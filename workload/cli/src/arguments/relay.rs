//! `cluster-manager relay`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use protocol::ClusterName;

/// The commands for the relay of metrics.
#[derive(Debug, Subcommand)]
pub enum Relay {
    /// Show which of a member's metrics would be relayed, and what the rules save
    ///
    /// FILE contains metrics in the Prometheus text format, as printed by `lxc query /1.0/metrics`; `-` is standard
    /// input. Nothing is sent anywhere.
    Explain(Explain),
}

/// The arguments of `cluster-manager relay explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// File with the metrics
    pub file: PathBuf,
    /// Rules to try, instead of those in RELAY_RULES_FILE
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Name of the cluster that the metrics are from
    #[arg(long, value_name = "NAME", default_value = "example")]
    pub cluster: ClusterName,
    /// Name of the member that the metrics are from
    #[arg(long, value_name = "NAME", default_value = "member-1")]
    pub member: String,
    /// Interval at which the cluster reports
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub every: std::time::Duration,
}
