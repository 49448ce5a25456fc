//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fleet::percent::InvalidPercent;
use fleet::service_account::ServiceAccountName;
use fleet::{Percent, Role};
use protocol::{ClusterName, Fingerprint};
use store::events::Head;
use time::OffsetDateTime;

use crate::remote::HubAddress;

/// See and look after all MicroCloud clusters from one place.
///
/// Settings come from the environment (DB_HOST, CLUSTER_CONNECTOR_DOMAIN, …), from the YAML file that CONFIG_FILE
/// names, or from .local/config.yaml, where `cluster-manager local` leaves them, if nobody says otherwise.
///
/// From anywhere else: `cluster-manager --remote https://HUB login`, then the same commands work over the API.
///
/// Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 3 not found, 4 exists already, 5 the database or the
/// hub cannot be reached.
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
    /// Which hub, if not by its database.
    #[command(flatten)]
    pub remote: Remote,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A hub over its API.
#[derive(Debug, Clone, Default, Args)]
pub struct Remote {
    /// Work over a hub's API instead of its database [env: CLUSTER_MANAGER_REMOTE, or the last `login`]
    #[arg(long, global = true, value_name = "URL", help_heading = "Over the API")]
    pub remote: Option<HubAddress>,
    /// Trust these certificates (PEM) instead of the system's for it [env: CLUSTER_MANAGER_CA_FILE]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Over the API")]
    pub ca_file: Option<PathBuf>,
    /// Trust exactly the certificate with this SHA-256 for it, for hubs with a self-signed one
    #[arg(long, global = true, value_name = "SHA256", help_heading = "Over the API", conflicts_with = "ca_file",
        value_parser = parse_fingerprint)]
    pub fingerprint: Option<Fingerprint>,
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
    /// List, show, configure and remove clusters
    #[command(subcommand)]
    Cluster(Cluster),
    /// Read the audit trail, and verify it
    #[command(subcommand)]
    Event(Event),
    /// See what becomes of the clusters' metrics
    #[command(subcommand)]
    Relay(Relay),
    /// Make, list and revoke service accounts: programs that call the API
    #[command(subcommand)]
    ServiceAccount(ServiceAccount),
    /// Sign in to a hub, for the commands that follow
    ///
    /// In the browser, by a code, where the hub's identity provider can do that; else with a service account's token.
    /// CLUSTER_MANAGER_TOKEN holds a token for commands that should not sign in at all.
    Login(Login),
    /// Forget the sign-in to a hub
    Logout,
    /// Say who is signed in to the hub, and what they may do
    Whoami,
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
    /// Change a cluster's description and when it is warned about; what is not given stays as it is
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Set {
        /// Its name
        name: String,
        /// What people should know about it
        #[arg(long, short, value_name = "TEXT", group = "change")]
        description: Option<String>,
        /// Warn about a storage pool that is fuller than this, in percent
        #[arg(long, value_name = "PERCENT", group = "change", value_parser = parse_percent)]
        disk_threshold: Option<Percent>,
        /// Warn when more memory than this is used, in percent
        #[arg(long, value_name = "PERCENT", group = "change", value_parser = parse_percent)]
        memory_threshold: Option<Percent>,
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

/// Service accounts.
#[derive(Debug, Subcommand)]
pub enum ServiceAccount {
    /// Make a service account; its token is shown now and never again
    Create {
        /// What it is called: 1 to 255 characters
        name: ServiceAccountName,
        /// What it may do: viewer sees everything, operator also changes clusters and tokens, admin everything
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// A note
        #[arg(long, short, default_value = "", hide_default_value = true)]
        description: String,
        /// Until when it works: a time (2030-01-31T12:00:00Z) or from now on (24h, 90d), five years at most [default: 90d]
        #[arg(long, short, value_name = "TIME", value_parser = parse_expiry)]
        expire: Option<OffsetDateTime>,
    },
    /// List all service accounts, expired ones too
    List,
    /// Revoke a service account: its token is refused from now on
    Revoke {
        /// Its name
        name: String,
    },
}

/// How to sign in.
#[derive(Debug, Args)]
pub struct Login {
    /// Read a service account's token from standard input instead of asking the identity provider
    #[arg(long)]
    pub token_stdin: bool,
}

/// The audit trail.
#[derive(Debug, Subcommand)]
pub enum Event {
    /// List who did what, newest first
    List {
        /// Which rows.
        #[command(flatten)]
        query: EventFilter,
        /// How many rows at most
        #[arg(long, short = 'n', value_name = "N", default_value = "50", value_parser = parse_limit)]
        limit: usize,
    },
    /// Verify that no row was changed, moved, removed or slipped in since it was sealed
    ///
    /// Every row gets a place in a chain and a seal, made with a key that is not in the database, a few seconds after
    /// it was written. This command walks the whole chain, and needs that key: run it with the settings of a unit. It
    /// says from where on the chain holds, how many rows wait to be sealed, and under which keys the rows were sealed.
    ///
    /// Rows that somebody removed at the end leave a chain that holds but is shorter. Units log the chain's head every
    /// minute ("the head of the audit trail"): give one of those with --head to prove that the chain still has it.
    ///
    /// If something is wrong, the first row where it is wrong is named, and the exit code is 1.
    Verify {
        /// A head that was logged, which the chain must still have; can be given several times
        #[arg(long, value_name = "SEQUENCE:SEAL")]
        head: Vec<Head>,
        /// Begin at this row, taking the seal before it as given: for when an older key is no longer there
        #[arg(long, value_name = "SEQUENCE", value_parser = clap::value_parser!(i64).range(1..))]
        from: Option<i64>,
    },
}

/// Which rows of the audit trail.
#[derive(Debug, Args)]
pub struct EventFilter {
    /// Only what was done to this cluster: its name, or its uid
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Only what they did: a person, a service account, a cluster, by id or name
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only this was done, such as cluster.configured, or its first word: cluster
    #[arg(long)]
    pub action: Option<String>,
    /// Not before: a time (2030-01-31T12:00:00Z), or so long ago (90m, 24h, 7d)
    #[arg(long, value_name = "TIME", value_parser = parse_past)]
    pub since: Option<OffsetDateTime>,
    /// Before: a time, or so long ago
    #[arg(long, value_name = "TIME", value_parser = parse_past)]
    pub until: Option<OffsetDateTime>,
    /// Only rows that contain this text, whichever case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
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
    if let Some(time) = fleet::moment::parse(text) {
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

fn parse_role(text: &str) -> Result<Role, String> {
    Role::from_word(text).ok_or_else(|| "a role is viewer, operator or admin".to_owned())
}

fn parse_percent(text: &str) -> Result<Percent, String> {
    let number = text.parse().map_err(|_| InvalidPercent.to_string())?;
    Percent::new(number).map_err(|error| error.to_string())
}

/// As people copy it: openssl writes it with colons and in capitals.
fn parse_fingerprint(text: &str) -> Result<Fingerprint, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    digits.parse().map_err(|error: protocol::fingerprint::InvalidFingerprint| error.to_string())
}

/// A time as RFC 3339, or a duration before now.
pub fn parse_past(text: &str) -> Result<OffsetDateTime, String> {
    if let Some(time) = fleet::moment::parse(text) {
        return Ok(time);
    }
    let duration = humantime::parse_duration(text).ok().and_then(|duration| duration.try_into().ok());
    duration.and_then(|duration: time::Duration| OffsetDateTime::now_utc().checked_sub(duration)).ok_or_else(
        || "a time such as 2030-01-31T12:00:00Z, or how long ago, such as 90m, 24h or 7d".to_owned(),
    )
}

fn parse_limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=1_000_000).contains(limit));
    limit.ok_or_else(|| "a whole number from 1 to 1000000".to_owned())
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

/// `cluster-manager relay`.
#[derive(Debug, Subcommand)]
pub enum Relay {
    /// Show what would be relayed of a member's metrics, and what the rules save
    ///
    /// FILE holds metrics in the Prometheus text format, as `lxc query /1.0/metrics` prints them; `-` is the standard
    /// input. Nothing is sent anywhere.
    Explain(Explain),
}

/// `cluster-manager relay explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The metrics
    pub file: PathBuf,
    /// Rules to try, instead of those that RELAY_RULES_FILE names
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The cluster that they are of
    #[arg(long, value_name = "NAME", default_value = "example")]
    pub cluster: ClusterName,
    /// The member that they are of
    #[arg(long, value_name = "NAME", default_value = "member-1")]
    pub member: String,
    /// How often the cluster reports
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub every: std::time::Duration,
}
