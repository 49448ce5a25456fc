//! What the fleet adds up to, from the narrow rows alone.

use std::collections::BTreeMap;

use fleet::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES};
use fleet::{HealthRules, HealthState, ServiceClock, Severity, WarningKind};
use futures_util::future::try_join4;
use tokio_postgres::Row;

use crate::fleet_query::Statement;
use crate::{Store, StoreError};

/// What the fleet adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetTotals {
    /// The clock by which it was judged.
    pub clock: ServiceClock,
    /// How many clusters.
    pub clusters: u64,
    /// How many of them in each state, best first; all states, also those in which there is none.
    pub health: Vec<(HealthState, u64)>,
    /// How many clusters have a warning of a kind and severity, worst first; only those that there are.
    pub warnings: Vec<(WarningKind, Severity, u64)>,
    /// How many members have each status; the usual ones always, in LXD's words, others without case.
    pub members: Vec<(String, u64)>,
    /// How many instances have each status.
    pub instances: Vec<(String, u64)>,
    /// The memory of all, in bytes.
    pub memory_total: u64,
    /// How much of it is used.
    pub memory_usage: u64,
    /// The storage of all, in bytes. A pool that the members of a cluster share counts once.
    pub storage_total: u64,
    /// How much of it is used.
    pub storage_usage: u64,
}

impl Store {
    /// What the fleet adds up to now.
    pub async fn fleet_totals(&self, rules: &HealthRules) -> Result<FleetTotals, StoreError> {
        let clock = self.service_clock().await?;
        let client = self.client().await?;
        let (sums, silent) = (sums(rules, &clock), silent(rules, &clock));
        let (others, reported) = (others(rules, &clock), reported(rules, &clock));
        // All are on their way at once, on one connection.
        let (sums, silent, others, reported) = try_join4(
            sums.query(&client),
            silent.query(&client),
            others.query(&client),
            reported.query(&client),
        )
        .await?;
        // Sums without grouping are one row, whatever there is to add up.
        let sums = Sums(sums.first().ok_or_else(|| {
            StoreError::corrupt("remote_cluster_liveness", "remote_cluster_id", "sums are one row")
        })?);
        let (mut late, mut lost) = (0, 0);
        for row in &silent {
            match row.try_get::<_, i32>(0)? {
                1 => late = count(row, 1)?,
                2 => lost = count(row, 1)?,
                _ => {}
            }
        }
        let clusters = sums.get("clusters")?;
        let fresh = clusters.saturating_sub(late + lost);
        let mut warnings = BTreeMap::from([
            ((WarningKind::Heartbeat, Severity::Critical), lost),
            ((WarningKind::Heartbeat, Severity::Warning), late),
            ((WarningKind::Certificate, Severity::Critical), sums.get("run_out")?),
            ((WarningKind::Certificate, Severity::Warning), sums.get("running_out")?),
        ]);
        for row in &reported {
            let kind = WarningKind::from_word(row.try_get(0)?);
            let severity = Severity::from_word(row.try_get(1)?);
            // What a newer program added is left out rather than misread.
            if let Some(key) = kind.zip(severity) {
                *warnings.entry(key).or_default() += count(row, 2)?;
            }
        }
        let mut warnings: Vec<_> = warnings
            .into_iter()
            .filter(|(_, clusters)| *clusters > 0)
            .map(|((kind, severity), clusters)| (kind, severity, clusters))
            .collect();
        warnings.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(FleetTotals {
            clock,
            clusters,
            health: vec![(HealthState::Fresh, fresh), (HealthState::Late, late), (HealthState::Lost, lost)],
            warnings,
            members: by_status("members", &MEMBER_STATUSES, &sums, &others)?,
            instances: by_status("instances", &INSTANCE_STATUSES, &sums, &others)?,
            memory_total: sums.get("memory_total")?,
            memory_usage: sums.get("memory_usage")?,
            storage_total: sums.get("storage_total")?,
            storage_usage: sums.get("storage_usage")?,
        })
    }
}

fn sums(rules: &HealthRules, clock: &ServiceClock) -> Statement {
    let mut statement = Statement::new("fleet_totals", rules, clock);
    statement.push("SELECT count(*) AS clusters");
    for (of, usual) in [("members", MEMBER_STATUSES), ("instances", INSTANCE_STATUSES)] {
        for status in usual {
            let column = format!("{of}_{}", status.to_lowercase());
            statement.push(&format!(", coalesce(sum({column}), 0) AS {column}"));
        }
    }
    // The sum of a few hostile reports can be more than the type holds that all others fit.
    for column in ["memory_total", "memory_usage", "storage_total", "storage_usage"] {
        statement
            .push(&format!(", least(coalesce(sum({column}), 0), 9223372036854775807)::bigint AS {column}"));
    }
    // Separately, since certificates stand with the clusters and nothing else here does.
    statement.push(", (SELECT count(*) FROM remote_clusters WHERE certificate_not_after < ").push_now();
    statement.push(") AS run_out, (SELECT count(*) FROM remote_clusters WHERE certificate_not_after >= ");
    statement.push_now().push(" AND certificate_not_after <= ").push_certificate_notice();
    statement.push(") AS running_out FROM ").push_tables(false);
    statement
}

/// How many clusters are late and how many lost. Grouped, so that each is judged once.
fn silent(rules: &HealthRules, clock: &ServiceClock) -> Statement {
    let mut statement = Statement::new("fleet_totals", rules, clock);
    statement.push("SELECT ").push_state().push(", count(*) FROM ").push_tables(false);
    statement.push(" WHERE l.heard_at < ").push_fresh_since().push(" GROUP BY 1");
    statement
}

/// Statuses that LXD is not known to have.
fn others(rules: &HealthRules, clock: &ServiceClock) -> Statement {
    let mut statement = Statement::new("fleet_totals", rules, clock);
    statement.push(
        "SELECT of, status, sum(count::bigint)::bigint FROM (
            SELECT 'members' AS of, other_members AS counts FROM remote_cluster_liveness
            WHERE other_members IS NOT NULL
            UNION ALL SELECT 'instances', other_instances FROM remote_cluster_liveness
            WHERE other_instances IS NOT NULL) AS other, jsonb_each_text(counts) AS e (status, count)
        GROUP BY of, status ORDER BY of, status COLLATE \"C\"",
    );
    statement
}

/// How many clusters have a reported warning, by kind and severity.
fn reported(rules: &HealthRules, clock: &ServiceClock) -> Statement {
    let mut statement = Statement::new("fleet_totals", rules, clock);
    statement.push(
        "SELECT kind, severity, count(*) FROM (
            SELECT DISTINCT remote_cluster_id, kind, severity FROM remote_cluster_warnings) AS w
        GROUP BY kind, severity",
    );
    statement
}

fn by_status(
    of: &str,
    usual: &[&str],
    sums: &Sums<'_>,
    others: &[Row],
) -> Result<Vec<(String, u64)>, StoreError> {
    let mut counts = Vec::new();
    for status in usual {
        counts.push(((*status).to_owned(), sums.get(&format!("{of}_{}", status.to_lowercase()))?));
    }
    for row in others {
        if row.try_get::<_, &str>(0)? == of {
            counts.push((row.try_get(1)?, count(row, 2)?));
        }
    }
    Ok(counts)
}

/// The row of sums, whose columns are never null.
struct Sums<'a>(&'a Row);

impl Sums<'_> {
    fn get(&self, column: &str) -> Result<u64, StoreError> {
        Ok(self.0.try_get::<_, i64>(column)?.unsigned_abs())
    }
}

fn count(row: &Row, column: usize) -> Result<u64, StoreError> {
    Ok(row.try_get::<_, i64>(column)?.unsigned_abs())
}
