//! What is wrong with a cluster. This is the only definition; list, page, API and metrics show it.

use std::cmp::Reverse;
use std::fmt;

use protocol::heartbeat::{Details, Misfit, Misfits, StatusCount, StoragePoolUsage};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::health::in_words;
use crate::percent::share_rounded_up;
use crate::{Health, HealthState, Thresholds};

/// How long before a certificate expires the hub warns (contract 1.2).
pub const CERTIFICATE_NOTICE: Duration = Duration::days(60);
/// The share above which storage or memory is critical, whatever the threshold.
const CRITICAL_PERCENT: u64 = 95;
/// The most warnings of one kind of a cluster; further ones are only counted.
const MAX_WARNINGS_PER_KIND: usize = 50;

/// The kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WarningKind {
    /// No heartbeat for too long.
    Heartbeat,
    /// Members that are not `Online`.
    Members,
    /// A Ceph status that is not online.
    Ceph,
    /// A storage pool above the disk threshold.
    Storage,
    /// Memory above the memory threshold.
    Memory,
    /// Instances in status `Error`.
    Instances,
    /// A cluster certificate that has expired or soon will.
    Certificate,
    /// Values in a report that were left out because they cannot be stored.
    Report,
    /// Metrics of the cluster that are left out.
    Metrics,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It needs attention, but not now.
    Warning,
    /// It needs attention now.
    Critical,
}

/// A problem in a report, without the time since when it exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The kind.
    pub kind: WarningKind,
    /// The pool or the status; distinguishes problems of one kind.
    pub subject: String,
    /// The severity.
    pub severity: Severity,
    /// The human-readable text.
    pub text: String,
}

/// A problem, and since when it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The kind.
    pub kind: WarningKind,
    /// The severity.
    pub severity: Severity,
    /// The human-readable text.
    pub text: String,
    /// Since when the problem exists.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

// === impl WarningKind and Severity ===

impl WarningKind {
    /// All kinds, most important first.
    pub const ALL: [Self; 9] = [
        Self::Heartbeat,
        Self::Members,
        Self::Ceph,
        Self::Storage,
        Self::Memory,
        Self::Instances,
        Self::Certificate,
        Self::Report,
        Self::Metrics,
    ];

    /// The kind as a word, as in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Members => "members",
            Self::Ceph => "ceph",
            Self::Storage => "storage",
            Self::Memory => "memory",
            Self::Instances => "instances",
            Self::Certificate => "certificate",
            Self::Report => "report",
            Self::Metrics => "metrics",
        }
    }

    /// The kind from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Severity {
    /// Both severities, the lesser first.
    pub const ALL: [Self; 2] = [Self::Warning, Self::Critical];

    /// The severity as a word, as in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns the problems in a cluster's report, in a stable order. `misfits` is what was left out of the report.
pub fn findings(details: &Details, misfits: &Misfits, thresholds: Thresholds) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(details.storage_pool_usages.iter().filter_map(|pool| storage(pool, thresholds)));
    found.extend(memory(details, thresholds));
    found.extend(details.member_statuses.iter().filter_map(members));
    found.extend(details.instance_statuses.iter().filter_map(instances));
    found.extend(details.ceph_statuses.iter().filter_map(ceph));
    found.extend(left_out(misfits));
    // A report may list a pool or a status twice: keep one problem for each subject, the worst.
    found.sort_unstable_by(|a, b| {
        (a.kind, &a.subject, Reverse(a.severity)).cmp(&(b.kind, &b.subject, Reverse(b.severity)))
    });
    found.dedup_by(|a, b| (a.kind, &a.subject) == (b.kind, &b.subject));
    found.chunk_by(|a, b| a.kind == b.kind).flat_map(limited).collect()
}

/// Limits the problems of one kind: a thousand warnings are of no use, and no cluster may store that many.
fn limited(of_a_kind: &[Finding]) -> Vec<Finding> {
    let mut worst_first: Vec<&Finding> = of_a_kind.iter().collect();
    worst_first.sort_by_key(|finding| Reverse(finding.severity));
    let mut kept: Vec<Finding> = worst_first.iter().take(MAX_WARNINGS_PER_KIND).copied().cloned().collect();
    if let Some(first_omitted) = worst_first.get(MAX_WARNINGS_PER_KIND) {
        kept.push(Finding {
            // Other subjects of these kinds are in lower case or have a slash, so this one is unique.
            subject: "MORE".to_owned(),
            text: format!("{} more warnings of this kind", worst_first.len() - MAX_WARNINGS_PER_KIND),
            ..(*first_omitted).clone()
        });
    }
    kept.sort_unstable_by(|a, b| a.subject.cmp(&b.subject));
    kept
}

/// The severity of being late or lost.
pub const fn severity_of_health(state: HealthState) -> Option<Severity> {
    match state {
        HealthState::Fresh => None,
        HealthState::Late => Some(Severity::Warning),
        HealthState::Lost => Some(Severity::Critical),
    }
}

/// The severity of a certificate that expires at `not_after`.
pub fn severity_of_certificate(not_after: OffsetDateTime, now: OffsetDateTime) -> Option<Severity> {
    if not_after < now {
        Some(Severity::Critical)
    } else {
        (not_after - now <= CERTIFICATE_NOTICE).then_some(Severity::Warning)
    }
}

/// The warning about a late or lost cluster.
pub fn of_health(health: &Health) -> Option<Warning> {
    let severity = severity_of_health(health.state)?;
    Some(Warning {
        kind: WarningKind::Heartbeat,
        severity,
        text: health.reasons.join("; "),
        since: health.since,
    })
}

/// The warning about a certificate that has expired or soon will.
pub fn of_certificate(not_after: OffsetDateTime, now: OffsetDateTime) -> Option<Warning> {
    let severity = severity_of_certificate(not_after, now)?;
    let left = not_after - now;
    let text = if left < Duration::ZERO {
        format!("the cluster's certificate expired {} ago", in_words(-left))
    } else {
        format!("the cluster's certificate expires in {}", in_words(left))
    };
    let since = if left < Duration::ZERO { not_after } else { not_after - CERTIFICATE_NOTICE };
    Some(Warning { kind: WarningKind::Certificate, severity, text, since })
}

fn storage(pool: &StoragePoolUsage, thresholds: Thresholds) -> Option<Finding> {
    thresholds.disk.is_exceeded_by(pool.usage, pool.total).then(|| {
        let share = share_rounded_up(pool.usage, pool.total);
        let place = if pool.member.is_empty() { String::new() } else { format!(" on {}", pool.member) };
        Finding {
            kind: WarningKind::Storage,
            // Unambiguous: the name of a pool cannot contain a slash.
            subject: format!("{}/{}", pool.name, pool.member),
            severity: full_severity(share),
            text: format!("storage pool {}{place} is {share}% full, above {}", pool.name, thresholds.disk),
        }
    })
}

fn memory(details: &Details, thresholds: Thresholds) -> Option<Finding> {
    let usage = details.memory_usage.unsigned_abs();
    let total = details.memory_total_amount.unsigned_abs();
    thresholds.memory.is_exceeded_by(usage, total).then(|| {
        let share = share_rounded_up(usage, total);
        Finding {
            kind: WarningKind::Memory,
            subject: String::new(),
            severity: full_severity(share),
            text: format!("memory is {share}% used, above {}", thresholds.memory),
        }
    })
}

fn members(entry: &StatusCount) -> Option<Finding> {
    let word = entry.status.to_lowercase();
    // Administrators evacuate members on purpose.
    let severity = if word == "evacuated" { Severity::Warning } else { Severity::Critical };
    (entry.count > 0 && word != "online").then(|| Finding {
        kind: WarningKind::Members,
        text: format!("{} {} {}", entry.count, plural(entry.count, "member is", "members are"), entry.status),
        subject: word,
        severity,
    })
}

fn instances(entry: &StatusCount) -> Option<Finding> {
    let word = entry.status.to_lowercase();
    (entry.count > 0 && word == "error").then(|| Finding {
        kind: WarningKind::Instances,
        text: format!("{} {} in Error", entry.count, plural(entry.count, "instance is", "instances are")),
        subject: word,
        severity: Severity::Warning,
    })
}

fn ceph(entry: &StatusCount) -> Option<Finding> {
    let word = entry.status.to_lowercase();
    (entry.count > 0 && word != "online").then(|| Finding {
        kind: WarningKind::Ceph,
        text: format!(
            "{} Ceph {} {}",
            entry.count,
            plural(entry.count, "service is", "services are"),
            entry.status
        ),
        subject: word,
        severity: Severity::Critical,
    })
}

/// One problem for all values that were left out. Its text is bounded, because each field occurs in it once.
fn left_out(misfits: &Misfits) -> Option<Finding> {
    let fields: Vec<String> = misfits.iter().map(Misfit::to_string).collect();
    (!fields.is_empty()).then(|| Finding {
        kind: WarningKind::Report,
        subject: String::new(),
        severity: Severity::Warning,
        text: format!("left out of the last report: {}", fields.join(", ")),
    })
}

fn full_severity(share: u64) -> Severity {
    if share > CRITICAL_PERCENT { Severity::Critical } else { Severity::Warning }
}

fn plural(count: u32, one: &'static str, more: &'static str) -> &'static str {
    if count == 1 { one } else { more }
}

#[cfg(test)]
mod tests;
