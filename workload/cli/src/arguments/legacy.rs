//! The command line of `microcloud-cluster-manager`, the program that this one replaces (contract section 5).

use clap::{Parser, Subcommand};
use protocol::ClusterName;
use time::OffsetDateTime;

use super::parse::{parse_description, parse_expiry, parse_new_name};

/// `microcloud-cluster-manager enroll NAME`.
#[derive(Debug, Parser)]
#[command(
    name = "microcloud-cluster-manager",
    version,
    about = "The command line of the program that cluster-manager replaces"
)]
pub struct LegacyCli {
    /// The command.
    #[command(subcommand)]
    pub command: LegacyCommand,
}

/// The only command of that program.
#[derive(Debug, Subcommand)]
pub enum LegacyCommand {
    /// Create a join token: standard output is the token alone, standard error explains how to use it
    Enroll {
        /// Name of the cluster that may join
        #[arg(value_parser = parse_new_name)]
        name: ClusterName,
        /// A note, which becomes the cluster's description
        #[arg(long, short, default_value = "", hide_default_value = true, value_parser = parse_description)]
        description: String,
        /// Expiry of the token: a time (RFC 3339) or a duration from now [default: 24h]
        #[arg(long, short, value_parser = parse_expiry)]
        expire: Option<OffsetDateTime>,
    },
}
