//! How a cluster stands: the few facts of it by which the fleet is filtered, sorted and added up. Small enough to be
//! kept of every cluster at once, so that a question about the fleet costs no walk through its wide rows.

use protocol::ClusterName;
use time::{Duration, OffsetDateTime};

use crate::report_summary::{ReportSummary, without_case};
use crate::{ClusterId, HealthRules, HealthState, ServiceClock, ServiceTime, Severity, WarningKind, warning};

/// The facts of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its rows' number.
    pub id: ClusterId,
    /// What it is called.
    pub name: ClusterName,
    /// What people noted about it.
    pub description: Box<str>,
    /// Name and description as they are searched in.
    pub search_text: SearchText,
    /// When it joined.
    pub joined_at: OffsetDateTime,
    /// Until when its certificate is valid.
    pub certificate_not_after: OffsetDateTime,
    /// The last heartbeat; none before the first.
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// When it was last heard, beat or join, on the service clock.
    pub heard_at: ServiceTime,
    /// How long it is expected to be silent between two beats.
    pub expected_interval: Duration,
    /// The memory of its members, in bytes.
    pub memory_total: i64,
    /// How much of it is used, in bytes.
    pub memory_usage: i64,
    /// How many members, whatever their status.
    pub member_count: i32,
    /// What its last report adds up to.
    pub report: ReportSummary,
    /// How many warnings the report earned.
    pub warning_count: i32,
    /// How many of those are critical.
    pub critical_count: i32,
    /// Of which kinds and severities they are, each once.
    pub reported: Box<[(WarningKind, Severity)]>,
}

/// Name and description without case. Both are looked through at once, but nothing is found that begins in one and
/// ends in the other: no name holds the line's end between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(Box<str>);

/// By which rules and at which moment the fleet is judged.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    rules: &'a HealthRules,
    clock: &'a ServiceClock,
    reading: ServiceTime,
}

// === impl SearchText ===

impl SearchText {
    /// What is searched of a cluster.
    pub fn new(name: &str, description: &str) -> Self {
        Self(without_case(&format!("{name}\n{description}")).into())
    }

    /// Whether this stands in it, given without case.
    pub fn holds(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

// === impl Judge ===

impl<'a> Judge<'a> {
    /// Judges by these rules at this moment.
    pub fn new(rules: &'a HealthRules, clock: &'a ServiceClock) -> Self {
        Self { rules, clock, reading: clock.read() }
    }

    /// Fresh, late or lost.
    pub fn state(&self, cluster: &Standing) -> HealthState {
        self.rules.state(self.reading.since(cluster.heard_at), cluster.expected_interval)
    }

    /// What its certificate earns.
    pub fn certificate(&self, cluster: &Standing) -> Option<Severity> {
        warning::severity_of_certificate(cluster.certificate_not_after, self.clock.now)
    }

    /// How many of its warnings are critical, and how many there are in all: silence and certificate included.
    pub fn warnings(&self, cluster: &Standing) -> (i64, i64) {
        let seen = [warning::severity_of_health(self.state(cluster)), self.certificate(cluster)];
        let (mut critical, mut all) = (i64::from(cluster.critical_count), i64::from(cluster.warning_count));
        for severity in seen.into_iter().flatten() {
            critical += i64::from(severity == Severity::Critical);
            all += 1;
        }
        (critical, all)
    }

    /// The severity of its worst warning.
    pub fn worst(&self, cluster: &Standing) -> Option<Severity> {
        match self.warnings(cluster) {
            (_, 0) => None,
            (0, _) => Some(Severity::Warning),
            _ => Some(Severity::Critical),
        }
    }
}
