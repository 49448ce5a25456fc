//! Why something did not reach a sink, and how requests ended, as words.

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

use crate::excess::Budget;

/// Why something did not reach a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Expositions: more arrived than could be parsed, and those of the cluster with the most were dropped.
    IntakeFull,
    /// Expositions: more of the cluster waited than its budget allows, or one alone is larger.
    ClusterBytes,
    /// Expositions: the cluster has too many members, or a member has too many services.
    TooManyMembers,
    /// Expositions: the name of the member or the service is too long.
    LongName,
    /// Samples: the cluster has more series than its budget allows.
    TooMany,
    /// Samples: their series occurred before in the same exposition.
    Repeated,
    /// Samples: a `deny` matcher matches them, or no `allow` matcher does.
    Filtered,
    /// Samples: their group was not due yet.
    NotDue,
    /// Samples: their own timestamp is too far from the time of receipt.
    Implausible,
    /// Samples: the queue in memory was full, and the oldest were dropped.
    MemoryFull,
    /// Samples: the queue in memory was full, and the cluster had the most in it.
    ClusterQueue,
    /// Samples: the spool was full, and the oldest were dropped.
    SpoolFull,
    /// Samples: the spool could not be read.
    SpoolUnreadable,
    /// Samples: they became too old for the sink while they waited.
    TooOld,
    /// Samples: the sink refused each of them alone.
    Refused,
    /// Samples: the sink refused them together with others, and splitting them further would have cost too many requests.
    RefusedTogether,
    /// Samples: the sink refuses everything, so its address or the credentials are wrong.
    Misdirected,
    /// Samples: the process ended before they were sent, and they were not in a spool.
    Ended,
}

impl Cause {
    /// Why queued samples do not reach a sink.
    pub(super) const OF_A_SINK: [Self; 9] = [
        Self::MemoryFull,
        Self::ClusterQueue,
        Self::SpoolFull,
        Self::SpoolUnreadable,
        Self::TooOld,
        Self::Refused,
        Self::RefusedTogether,
        Self::Misdirected,
        Self::Ended,
    ];
}

/// How a request to a sink ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Outcome {
    Taken,
    Refused,
    Failed,
}

impl EncodeLabelValue for Cause {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::IntakeFull => "intake_full",
            Self::ClusterBytes => "cluster_bytes",
            Self::TooManyMembers => "too_many_members",
            Self::LongName => "long_name",
            Self::TooMany => "too_many",
            Self::Repeated => "repeated",
            Self::Filtered => "filtered",
            Self::NotDue => "not_due",
            Self::Implausible => "implausible_time",
            Self::MemoryFull => "memory_full",
            Self::ClusterQueue => "cluster_queue",
            Self::SpoolFull => "spool_full",
            Self::SpoolUnreadable => "spool_unreadable",
            Self::TooOld => "too_old",
            Self::Refused => "refused",
            Self::RefusedTogether => "refused_together",
            Self::Misdirected => "misdirected",
            Self::Ended => "ended",
        };
        word.encode(encoder)
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Failed => "failed",
        };
        word.encode(encoder)
    }
}

impl EncodeLabelValue for Budget {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::Bytes => "bytes",
            Self::Series => "series",
            Self::Queue => "queue",
        };
        word.encode(encoder)
    }
}
