//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::ClusterName;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// See and look after all MicroCloud clusters from one place.
///
/// Settings come from the environment (DB_HOST, CLUSTER_CONNECTOR_DOMAIN, …), from the YAML file that CONFIG_FILE
/// names, or from .local/config.yaml, where `cluster-manager local` leaves them, if nobody says otherwise.
///
/// Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 3 not found, 4 exists already, 5 the database cannot
/// be reached.
#[derive(Debug, Parser)]
#[command(
    name = "cluster-manager",
    version,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// How to print what was asked for.
    #[arg(long, short, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the services: the connector that clusters call, the management API, or both in one process
    Serve(Serve),
    /// Make, list and revoke join tokens
    #[command(subcommand)]
    Token(Token),
    /// List, show and remove clusters
    #[command(subcommand)]
    Cluster(Cluster),
    /// Bring the database to this program's schema; also takes over a database of microcloud-cluster-manager
    Migrate,
    /// Run everything on this machine, with a private PostgreSQL and self-issued certificates
    Local(Local),
    /// Print completions for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Which services, and where.
#[derive(Debug, Args)]
pub struct Serve {
    /// Run the connector on this address, e.g. 0.0.0.0:9000
    #[arg(long, value_name = "ADDR")]
    pub connector_listen: Option<SocketAddr>,
    /// Run the management API on this address, e.g. 0.0.0.0:9001
    #[arg(long, value_name = "ADDR")]
    pub management_listen: Option<SocketAddr>,
}

/// Join tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token with which one cluster can join, once; it is shown now and never again
    Create {
        /// The name of the cluster that may join: 1 to 255 characters
        name: ClusterName,
        /// A note; becomes the cluster's description
        #[arg(long, short, default_value = "", hide_default_value = true)]
        description: String,
        /// Until when it works: a time (2030-01-31T12:00:00Z) or from now on (90m, 24h, 7d) [default: 24h]
        #[arg(long, short, value_name = "TIME", value_parser = parse_expiry)]
        expire: Option<OffsetDateTime>,
    },
    /// List the tokens that were not used yet
    List,
    /// Take a token back
    Revoke {
        /// The name that it was made for
        name: String,
    },
}

/// Clusters.
#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// List all clusters, worst first
    List {
        /// Show the list anew every few seconds, until stopped
        #[arg(long, short)]
        watch: bool,
    },
    /// Show one cluster
    Show {
        /// Its name
        name: String,
    },
    /// Remove a cluster; it cannot report any more
    Remove {
        /// Its name
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Everything on this machine.
#[derive(Debug, Args)]
pub struct Local {
    /// Where data, certificates and settings are kept
    #[arg(long, value_name = "DIR", default_value = ".local")]
    pub data: PathBuf,
    /// Where the connector listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:30000")]
    pub connector_listen: SocketAddr,
    /// Where the management API listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    pub management_listen: SocketAddr,
    /// Where status and metrics are served in clear
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000")]
    pub status_listen: SocketAddr,
}

/// A time as RFC 3339, or a duration from now on.
pub fn parse_expiry(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        "a time such as 2030-01-31T12:00:00Z, or a duration such as 90m, 24h or 7d".to_owned()
    })?;
    SystemTime::now()
        .checked_add(duration)
        .filter(|_| duration.as_secs() < 100 * 365 * 86_400)
        .map(OffsetDateTime::from)
        .ok_or_else(|| "a duration of less than a hundred years".to_owned())
}

/// What the existing program's command line is called: `microcloud-cluster-manager enroll NAME`.
#[derive(Debug, Parser)]
#[command(
    name = "microcloud-cluster-manager",
    version,
    about = "The command line of the program that cluster-manager succeeds"
)]
pub struct OlderCli {
    /// What to do.
    #[command(subcommand)]
    pub command: OlderCommand,
}

/// The existing program's one command.
#[derive(Debug, Subcommand)]
pub enum OlderCommand {
    /// Make a join token: it alone on standard output, an explanation on standard error
    Enroll {
        /// The name of the cluster that may join
        name: ClusterName,
        /// A note; becomes the cluster's description
        #[arg(long, short, default_value = "", hide_default_value = true)]
        description: String,
        /// Until when it works (RFC 3339, or a duration) [default: 24h]
        #[arg(long, short, value_parser = parse_expiry)]
        expire: Option<OffsetDateTime>,
    },
}
