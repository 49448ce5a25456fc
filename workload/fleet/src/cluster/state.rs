//! The state of a cluster by which the fleet is filtered, sorted and totalled. It is small enough to keep that of every
//! cluster in memory, so that queries about the fleet do not read the wide rows of the database.

use protocol::ClusterName;
use time::{Duration, OffsetDateTime};

use crate::report_summary::{ReportSummary, without_case};
use crate::{ClusterId, HealthRules, HealthState, ServiceClock, ServiceTime, Severity, WarningKind, warning};

/// The state of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterState {
    /// The number of its rows in the database.
    pub id: ClusterId,
    /// Its name.
    pub name: ClusterName,
    /// Its description, written by people.
    pub description: Box<str>,
    /// The text in which a search looks.
    pub search_text: SearchText,
    /// When it joined.
    pub joined_at: OffsetDateTime,
    /// When its certificate expires.
    pub certificate_not_after: OffsetDateTime,
    /// The last heartbeat, if there was one.
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// The last heartbeat, or the join before the first, on the service clock.
    pub heard_at: ServiceTime,
    /// The expected interval between two heartbeats.
    pub expected_interval: Duration,
    /// The memory of its members, in bytes.
    pub memory_total: i64,
    /// The used memory, in bytes.
    pub memory_usage: i64,
    /// The number of members in any status.
    pub member_count: i32,
    /// The summary of its last report.
    pub report: ReportSummary,
    /// The number of warnings about the report.
    pub warning_count: i32,
    /// The number of those that are critical.
    pub critical_count: i32,
    /// Their kinds and severities, each once.
    pub reported: Box<[(WarningKind, Severity)]>,
}

/// The name and the description, without case. One search covers both, but finds nothing that spans them: no name
/// contains the line feed between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(Box<str>);

/// Judges the health of clusters by some rules at some time.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    rules: &'a HealthRules,
    clock: &'a ServiceClock,
    reading: ServiceTime,
}

// === impl SearchText ===

impl SearchText {
    /// Joins the name and the description of a cluster.
    pub fn new(name: &str, description: &str) -> Self {
        Self(without_case(&format!("{name}\n{description}")).into())
    }

    /// Whether it contains a text, which must be without case.
    pub fn contains(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

// === impl Judge ===

impl<'a> Judge<'a> {
    /// Creates a judge for the time of the clock.
    pub fn new(rules: &'a HealthRules, clock: &'a ServiceClock) -> Self {
        Self { rules, clock, reading: clock.read() }
    }

    /// Returns the health of a cluster.
    pub fn state(&self, cluster: &ClusterState) -> HealthState {
        self.rules.state(self.reading.since(cluster.heard_at), cluster.expected_interval)
    }

    /// Returns the severity of the warning about its certificate.
    pub fn certificate(&self, cluster: &ClusterState) -> Option<Severity> {
        warning::severity_of_certificate(cluster.certificate_not_after, self.clock.now)
    }

    /// Returns the number of its critical warnings and the number of all its warnings, including those about missing
    /// heartbeats and its certificate.
    pub fn warnings(&self, cluster: &ClusterState) -> (i64, i64) {
        let by_the_hub = [warning::severity_of_health(self.state(cluster)), self.certificate(cluster)];
        let (mut critical, mut all) = (i64::from(cluster.critical_count), i64::from(cluster.warning_count));
        for severity in by_the_hub.into_iter().flatten() {
            critical += i64::from(severity == Severity::Critical);
            all += 1;
        }
        (critical, all)
    }

    /// Returns the severity of its worst warning.
    pub fn worst(&self, cluster: &ClusterState) -> Option<Severity> {
        match self.warnings(cluster) {
            (_, 0) => None,
            (0, _) => Some(Severity::Warning),
            _ => Some(Severity::Critical),
        }
    }
}
