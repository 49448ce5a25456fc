//! `cluster-manager session`.

use clap::Subcommand;

use super::parse::parse_limit;

/// The commands for people's sessions in browsers.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List your own sessions, the newest sign-in first; on the hub everybody's
    List {
        /// Everybody's sessions, which needs the role admin
        #[arg(long)]
        all: bool,
        /// Maximum number of sessions
        #[arg(long, short = 'n', value_name = "N", default_value = "50", value_parser = parse_limit)]
        limit: usize,
    },
    /// End a session at once; the role admin ends everybody's
    Remove {
        /// Id of the session, as the list shows it
        id: String,
    },
}
