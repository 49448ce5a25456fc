//! `cluster-manager token`.

use clap::Subcommand;
use protocol::ClusterName;
use time::OffsetDateTime;

use super::parse::{parse_description, parse_expiry, parse_new_name};

/// The commands for join tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token with which one cluster can join once; it is shown only once
    Create {
        /// Name of the cluster that may join: 1 to 255 characters
        #[arg(value_parser = parse_new_name)]
        name: ClusterName,
        /// A note, which becomes the cluster's description
        #[arg(long, short, default_value = "", hide_default_value = true, value_parser = parse_description)]
        description: String,
        /// Expiry of the token: a time (2030-01-31T12:00:00Z) or a duration from now (90m, 24h, 7d) [default: 24h]
        #[arg(long, short, value_name = "TIME", value_parser = parse_expiry)]
        expire: Option<OffsetDateTime>,
    },
    /// List the tokens that have not been used
    List,
    /// Revoke a token
    Revoke {
        /// Name of the cluster that the token is for
        name: String,
    },
}
