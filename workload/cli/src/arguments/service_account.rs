//! `cluster-manager service-account`.

use clap::Subcommand;
use fleet::Role;
use fleet::service_account::ServiceAccountName;
use time::OffsetDateTime;

use super::parse::{parse_description, parse_expiry, parse_role};

/// The commands for service accounts.
#[derive(Debug, Subcommand)]
pub enum ServiceAccount {
    /// Create a service account; its token is shown only once
    Create {
        /// Name of the service account: 1 to 255 characters
        name: ServiceAccountName,
        /// What it may do: viewer sees everything, operator also changes clusters and join tokens, admin does everything
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// A note
        #[arg(long, short, default_value = "", hide_default_value = true, value_parser = parse_description)]
        description: String,
        /// Expiry: a time (2030-01-31T12:00:00Z) or a duration from now (24h, 90d), at most five years [default: 90d]
        #[arg(long, short, value_name = "TIME", value_parser = parse_expiry)]
        expire: Option<OffsetDateTime>,
    },
    /// List all service accounts, including expired ones
    List,
    /// Revoke a service account; its token is refused from now on
    Revoke {
        /// Name of the service account
        name: String,
    },
}
