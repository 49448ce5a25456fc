//! `cluster-manager event`.

use clap::{Args, Subcommand};
use store::events::Head;
use time::OffsetDateTime;

use super::parse::{parse_limit, parse_past};

/// The commands for the audit trail.
#[derive(Debug, Subcommand)]
pub enum Event {
    /// List who did what, newest first
    List {
        /// The events to list.
        #[command(flatten)]
        query: EventFilter,
        /// Maximum number of events
        #[arg(long, short = 'n', value_name = "N", default_value = "50", value_parser = parse_limit)]
        limit: usize,
    },
    /// Verify that no event was changed, moved, removed or inserted since it was sealed
    ///
    /// A few seconds after an event is written, it is numbered, chained to the event before it and sealed with a key
    /// that is not in the database. This command verifies the whole chain. It needs that key: run it with the settings
    /// of a unit. It prints where the verified part of the chain starts, how many events are not sealed yet, and which
    /// keys sealed the events.
    ///
    /// If events are removed from the end, the rest is still a valid chain. Units log the head of the chain every
    /// minute ("the head of the audit trail"): pass one of them with --head to prove that the chain still contains it.
    ///
    /// If the chain is broken, the command prints the first broken event, and the exit code is 1.
    Verify {
        /// A logged head that the chain must still contain; can be given several times
        #[arg(long, value_name = "SEQUENCE:SEAL")]
        head: Vec<Head>,
        /// Start at this event and trust the seal before it, for when the older key is no longer available
        #[arg(long, value_name = "SEQUENCE", value_parser = clap::value_parser!(i64).range(1..))]
        from: Option<i64>,
    },
}

/// Which events of the audit trail to list.
#[derive(Debug, Args)]
pub struct EventFilter {
    /// Only events of this cluster, given by name or uid
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Only events caused by this person, service account or cluster, given by id or name
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only events of this kind, such as cluster.configured, or of all kinds with this first word, such as cluster
    #[arg(long)]
    pub action: Option<String>,
    /// Only events since a time (2030-01-31T12:00:00Z), or since a duration ago (90m, 24h, 7d)
    #[arg(long, value_name = "TIME", value_parser = parse_past)]
    pub since: Option<OffsetDateTime>,
    /// Only events before a time, or before a duration ago
    #[arg(long, value_name = "TIME", value_parser = parse_past)]
    pub until: Option<OffsetDateTime>,
    /// Only events that contain this text, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}
