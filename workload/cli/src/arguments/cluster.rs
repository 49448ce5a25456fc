//! `cluster-manager cluster`.

use clap::Subcommand;
use fleet::Percent;

use super::parse::{parse_description, parse_percent};

/// The commands for clusters.
#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// List all clusters, unhealthiest first
    List {
        /// Refresh the list every 2 seconds until interrupted
        #[arg(long, short)]
        watch: bool,
    },
    /// Show one cluster
    Show {
        /// Name of the cluster
        name: String,
    },
    /// Change a cluster's description and warning thresholds; values that are not given stay unchanged
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Set {
        /// Name of the cluster
        name: String,
        /// Description of the cluster
        #[arg(long, short, value_name = "TEXT", group = "change", value_parser = parse_description)]
        description: Option<String>,
        /// Usage of a storage pool above which the hub warns, in percent
        #[arg(long, value_name = "PERCENT", group = "change", value_parser = parse_percent)]
        disk_threshold: Option<Percent>,
        /// Usage of memory above which the hub warns, in percent
        #[arg(long, value_name = "PERCENT", group = "change", value_parser = parse_percent)]
        memory_threshold: Option<Percent>,
    },
    /// Remove a cluster; it can no longer report
    Remove {
        /// Name of the cluster
        name: String,
        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
}
