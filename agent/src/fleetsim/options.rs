//! The options of a simulation, as a command line and for callers of the library.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::faults::Faults;
use crate::client::{Proof, TlsGroups};

/// Simulates a fleet of clusters that join a hub and send heartbeats.
///
/// Every cluster has its own key. Every heartbeat is a probe and a call, each over its own TLS connection, as from a
/// real cluster. Latencies count from the time at which a heartbeat was due, so that they show when the hub falls
/// behind.
#[derive(Debug, Clone, Parser)]
#[command(name = "fleetsim", version, max_term_width = 110)]
#[expect(clippy::struct_excessive_bools, reason = "they are command-line flags")]
pub struct Options {
    /// Number of clusters to simulate [default: all in the state file and the tokens]
    #[arg(long = "sites", value_name = "N")]
    pub clusters: Option<usize>,

    /// Read join tokens from this file, one per line; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub tokens_from: Option<PathBuf>,

    /// More join tokens, for callers of the library
    #[arg(skip)]
    pub tokens: Vec<String>,

    /// Store joined clusters with their private keys in this file, so that later runs need not join
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Only join, without sending heartbeats
    #[arg(long)]
    pub join_only: bool,

    /// How joins prove knowledge of the token
    #[arg(long, value_enum, default_value_t)]
    pub proof: Proof,

    /// Maximum number of concurrent joins
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub join_concurrency: usize,

    /// Time between the heartbeats of a cluster [default: 60]
    #[arg(long, value_name = "SECONDS", group = "pace", value_parser = positive)]
    pub interval: Option<f64>,

    /// Heartbeats per second of all clusters together
    #[arg(long, value_name = "HEARTBEATS_PER_SECOND", group = "pace", value_parser = positive)]
    pub rate: Option<f64>,

    /// Number of concurrent workers that send one heartbeat after the other, as fast as the hub responds
    #[arg(long, value_name = "N", group = "pace")]
    pub closed_loop: Option<usize>,

    /// Time for which heartbeats are sent
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub duration: Duration,

    /// Time in which the rate grows from 0 to its full value
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub ramp_up: Duration,

    /// Approximate size of the LXD metrics in every heartbeat, in KiB
    #[arg(long, value_name = "KIB", default_value_t = 0)]
    pub metrics_kb: usize,

    /// Inject faults into some heartbeats, for example abort=0.01,garbage=0.01,slow=0.05
    #[arg(long, value_name = "KIND=PROBABILITY,…", default_value_t, hide_default_value = true)]
    pub faults: Faults,

    /// Key exchange to offer first
    #[arg(long, value_enum, default_value_t)]
    pub tls_groups: TlsGroups,

    /// Maximum number of heartbeats in flight; others wait, and the wait counts as latency
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub max_in_flight: usize,

    /// Timeout of a connection with its request and response
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,

    /// Address to connect to, instead of the addresses in the tokens
    #[arg(long, value_name = "IP:PORT")]
    pub connect_to: Option<SocketAddr>,

    /// Connect from a separate loopback network (127.64.x.y) per cluster, to stay below rate limits by address
    #[arg(long)]
    pub spread_sources: bool,

    /// Append acknowledged joins and heartbeats to this file: name, microseconds since 1970, memory_usage (0: join)
    #[arg(long, value_name = "FILE")]
    pub acked: Option<PathBuf>,

    /// Format of the final report
    #[arg(long, value_enum, default_value_t)]
    pub report: ReportFormat,

    /// Exit with 1 if a join or heartbeat failed
    #[arg(long)]
    pub fail_on_errors: bool,

    /// Show no progress, even on a terminal
    #[arg(long, short)]
    pub quiet: bool,
}

/// The format of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A table.
    #[default]
    Table,
    /// JSON.
    Json,
}

/// What starts the next heartbeat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The clock: a number of heartbeats per second, whether or not the hub keeps up.
    Open(f64),
    /// The hub: a number of workers, each of which sends the next heartbeat after the last response.
    Closed(usize),
}

impl Options {
    /// The pace for a fleet of this many clusters.
    pub fn pace(&self, clusters: usize) -> Pace {
        if let Some(workers) = self.closed_loop {
            return Pace::Closed(workers.clamp(1, clusters.max(1)));
        }
        Pace::Open(self.rate.unwrap_or_else(|| clusters as f64 / self.interval.unwrap_or(60.0)))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::parse_from(["fleetsim", "--quiet"])
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a number greater than 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_the_number_of_clusters_by_the_interval() {
        let options = Options { interval: Some(10.0), ..Options::default() };
        assert_eq!(options.pace(50), Pace::Open(5.0));
        assert_eq!(Options::default().pace(60), Pace::Open(1.0));
    }

    #[test]
    fn closed_loop_has_at_most_one_worker_per_cluster() {
        let options = Options { closed_loop: Some(64), ..Options::default() };
        assert_eq!(options.pace(10), Pace::Closed(10));
    }

    #[test]
    fn only_one_pace_is_accepted() {
        assert!(Options::try_parse_from(["fleetsim", "--rate", "5", "--interval", "5"]).is_err());
        assert!(Options::try_parse_from(["fleetsim", "--rate", "0"]).is_err());
    }
}
