//! What to simulate: the command line, and the library's options.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::Faults;
use crate::client::{Proof, TlsGroups};

/// Simulates a fleet of sites that join a hub and report to it.
///
/// Every site has its own key; every beat is what a real one is: a probe and a call, each over its own TLS
/// connection. Latencies are measured from the moment at which a beat was due, so a hub that falls behind shows.
#[derive(Debug, Clone, Parser)]
#[command(name = "fleetsim", version, max_term_width = 110)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Options {
    /// How many sites to simulate [default: all that the state and the tokens give]
    #[arg(long, value_name = "N")]
    pub sites: Option<usize>,

    /// Read join tokens from this file, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub tokens_from: Option<PathBuf>,

    /// More tokens, for callers of the library
    #[arg(skip)]
    pub tokens: Vec<String>,

    /// Keep joined sites in this file, with their private keys, so that a later run need not join
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Join, and send no heartbeats
    #[arg(long)]
    pub join_only: bool,

    /// How joins prove that they hold the token
    #[arg(long, value_enum, default_value_t)]
    pub proof: Proof,

    /// How many joins run at once
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub join_concurrency: usize,

    /// Each site beats every so many seconds [default: 60]
    #[arg(long, value_name = "SECONDS", group = "pace", value_parser = positive)]
    pub interval: Option<f64>,

    /// All sites together send so many beats a second
    #[arg(long, value_name = "BEATS_PER_SECOND", group = "pace", value_parser = positive)]
    pub rate: Option<f64>,

    /// So many sites at a time send one beat after the other, as fast as they are answered
    #[arg(long, value_name = "N", group = "pace")]
    pub closed_loop: Option<usize>,

    /// For how long beats are sent
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub duration: Duration,

    /// Reach the full rate only after this time
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub ramp_up: Duration,

    /// Attach about so many KiB of LXD metrics to every beat
    #[arg(long, value_name = "KIB", default_value_t = 0)]
    pub metrics_kb: usize,

    /// Spoil some beats, for example abort=0.01,garbage=0.01,slow=0.05
    #[arg(long, value_name = "KIND=PROBABILITY,…", default_value_t, hide_default_value = true)]
    pub faults: Faults,

    /// Which key exchange is offered first
    #[arg(long, value_enum, default_value_t)]
    pub tls_groups: TlsGroups,

    /// At most so many beats under way at once; those that are due wait, and their waiting is measured
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub max_in_flight: usize,

    /// Give up on a connection after this time
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,

    /// Connect here, whatever the tokens' addresses resolve to
    #[arg(long, value_name = "IP:PORT")]
    pub connect_to: Option<SocketAddr>,

    /// Give each site its own loopback network (127.64.x.y) to come from, so that limits by address see many
    #[arg(long)]
    pub spread_sources: bool,

    /// Append a line for every acknowledged join and beat: site, microseconds since 1970, memory_usage (0: a join)
    #[arg(long, value_name = "FILE")]
    pub acked: Option<PathBuf>,

    /// How the numbers are printed at the end
    #[arg(long, value_enum, default_value_t)]
    pub report: ReportFormat,

    /// Exit with 1 if any join or beat failed
    #[arg(long)]
    pub fail_on_errors: bool,

    /// No progress, even on a terminal
    #[arg(long, short)]
    pub quiet: bool,
}

/// How the report is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// What decides when the next beat starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The clock: so many beats a second, whether or not the hub keeps up.
    Open(f64),
    /// The hub: so many at a time, each started by the end of the one before.
    Closed(usize),
}

impl Options {
    /// The pace for a fleet of this size.
    pub fn pace(&self, sites: usize) -> Pace {
        if let Some(workers) = self.closed_loop {
            return Pace::Closed(workers.clamp(1, sites.max(1)));
        }
        Pace::Open(self.rate.unwrap_or_else(|| sites as f64 / self.interval.unwrap_or(60.0)))
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
        _ => Err("it must be a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_rate_by_the_size_of_the_fleet() {
        let options = Options { interval: Some(10.0), ..Options::default() };
        assert_eq!(options.pace(50), Pace::Open(5.0));
        assert_eq!(Options::default().pace(60), Pace::Open(1.0));
    }

    #[test]
    fn a_closed_loop_has_no_more_workers_than_sites() {
        let options = Options { closed_loop: Some(64), ..Options::default() };
        assert_eq!(options.pace(10), Pace::Closed(10));
    }

    #[test]
    fn only_one_pace_can_be_given() {
        assert!(Options::try_parse_from(["fleetsim", "--rate", "5", "--interval", "5"]).is_err());
        assert!(Options::try_parse_from(["fleetsim", "--rate", "0"]).is_err());
    }
}
