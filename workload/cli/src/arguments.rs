//! What can be typed at the command line. The doc comments of fields and variants are the help texts.

mod cluster;
mod event;
mod legacy;
mod parse;
mod relay;
mod service_account;
mod session;
mod token;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::Fingerprint;

pub use cluster::Cluster;
pub use event::{Event, EventFilter};
pub use legacy::{LegacyCli, LegacyCommand};
pub use relay::{Explain, Relay};
pub use service_account::ServiceAccount;
pub use session::Session;
pub use token::Token;

use crate::remote::HubAddress;
use parse::parse_fingerprint;

/// Manage all MicroCloud and LXD clusters from one place.
///
/// Settings come from the environment (DB_HOST, CLUSTER_CONNECTOR_DOMAIN, …) and from the YAML file in CONFIG_FILE.
/// Without either, commands use .local/config.yaml, which `cluster-manager local` writes.
///
/// From another machine, run `cluster-manager --remote https://HUB login`; the same commands then use the API.
///
/// Exit codes: 0 success, 1 failure, 2 wrong arguments or settings, 3 not found, 4 already exists, 5 the database or
/// the hub cannot be reached.
#[derive(Debug, Parser)]
#[command(
    name = "cluster-manager",
    version,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Output format
    #[arg(long, short, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// The hub, if it is not reached through its database.
    #[command(flatten)]
    pub remote: Remote,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// A hub that is reached over its API.
#[derive(Debug, Clone, Default, Args)]
pub struct Remote {
    /// Use a hub's API instead of its database [env: CLUSTER_MANAGER_REMOTE] [default: the hub of the last `login`]
    #[arg(long, global = true, value_name = "URL", help_heading = "Remote hub")]
    pub remote: Option<HubAddress>,
    /// Trust the CA certificates in this PEM file instead of the system's [env: CLUSTER_MANAGER_CA_FILE]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Remote hub")]
    pub ca_file: Option<PathBuf>,
    /// Trust only the certificate with this SHA-256 fingerprint, for a hub with a self-signed certificate
    #[arg(long, global = true, value_name = "SHA256", help_heading = "Remote hub", conflicts_with = "ca_file",
        value_parser = parse_fingerprint)]
    pub fingerprint: Option<Fingerprint>,
}

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Human-readable text
    Table,
    /// All fields, for programs
    Json,
    /// All fields, for programs and people
    Yaml,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the services: the connector that clusters call, the management API, or both in one process
    Serve(Serve),
    /// Create, list and revoke join tokens
    #[command(subcommand)]
    Token(Token),
    /// List, show, configure and remove clusters
    #[command(subcommand)]
    Cluster(Cluster),
    /// List and verify the events of the audit trail
    #[command(subcommand)]
    Event(Event),
    /// Show how the clusters' metrics are relayed
    #[command(subcommand)]
    Relay(Relay),
    /// Create, list and revoke service accounts, which let programs call the API
    #[command(subcommand)]
    ServiceAccount(ServiceAccount),
    /// List and end people's sessions in browsers
    #[command(subcommand)]
    Session(Session),
    /// Sign in to a hub, for later commands
    ///
    /// You confirm a code in your browser if the hub's identity provider supports it; otherwise you enter the token of
    /// a service account. To run commands without signing in, set CLUSTER_MANAGER_TOKEN to a token.
    Login(Login),
    /// Sign out of a hub
    Logout,
    /// Show who is signed in to the hub, and with which role
    Whoami,
    /// Migrate the database to this version, or take over a database of microcloud-cluster-manager
    Migrate,
    /// Run everything on this machine, with a local PostgreSQL and self-signed certificates
    Local(Local),
    /// Print completions for a shell
    Completions {
        /// Shell to print completions for
        shell: clap_complete::Shell,
    },
}

/// The services to run, and where they listen.
#[derive(Debug, Args)]
pub struct Serve {
    /// Run the connector on this address, e.g. 0.0.0.0:9000
    #[arg(long, value_name = "ADDR")]
    pub connector_listen: Option<SocketAddr>,
    /// Run the management API on this address, e.g. 0.0.0.0:9001
    #[arg(long, value_name = "ADDR")]
    pub management_listen: Option<SocketAddr>,
}

/// How to sign in.
#[derive(Debug, Args)]
pub struct Login {
    /// Read the token of a service account from standard input instead of using the identity provider
    #[arg(long)]
    pub token_stdin: bool,
}

/// Where everything on this machine is kept, and where it listens.
#[derive(Debug, Args)]
pub struct Local {
    /// Folder for data, certificates and settings
    #[arg(long, value_name = "DIR", default_value = ".local")]
    pub data: PathBuf,
    /// Address of the connector
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:30000")]
    pub connector_listen: SocketAddr,
    /// Address of the management API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    pub management_listen: SocketAddr,
    /// Address of the plain HTTP listener for status and metrics
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000")]
    pub status_listen: SocketAddr,
}
