//! A cluster of the index, from a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleet::report_summary::{ReportSummary, Share};
use fleet::state::SearchText;
use fleet::{ClusterId, ClusterState, RecentGaps, ServiceTime, Severity, WarningKind};
use protocol::ClusterName;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::StoreError;

/// A struct with the position of each named column. Finding a column by its name is a scan, which is done once for a
/// whole result here: it can have a row for every cluster.
macro_rules! positions {
    ($name:ident { $($column:ident,)+ }) => {
        struct $name {
            $($column: usize,)+
        }

        impl $name {
            fn of(row: &Row) -> Result<Self, StoreError> {
                Ok(Self { $($column: position(row, stringify!($column))?,)+ })
            }
        }
    };
}

positions!(Positions {
    remote_cluster_id,
    name,
    description,
    joined_at,
    certificate_not_after,
    last_heartbeat_at,
    heard_at,
    recent_gaps,
    warning_count,
    critical_count,
    cpu_load,
    memory_total,
    memory_usage,
    memory_share,
    storage_total,
    storage_usage,
    storage_share,
    members,
    members_online,
    members_offline,
    members_evacuated,
    members_blocked,
    instances_running,
    instances_stopped,
    instances_frozen,
    instances_error,
    other_members,
    other_instances,
    warnings,
});

/// The clusters of these rows; a row without a cluster is skipped.
pub(super) fn read_clusters(rows: &[Row]) -> Result<Vec<Arc<ClusterState>>, StoreError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let at = Positions::of(first)?;
    rows.iter().filter_map(|row| read_cluster(row, &at).transpose()).collect()
}

fn read_cluster(row: &Row, at: &Positions) -> Result<Option<Arc<ClusterState>>, StoreError> {
    let Some(id) = row.try_get(at.remote_cluster_id)? else { return Ok(None) };
    let (name, description): (String, &str) = (row.try_get(at.name)?, row.try_get(at.description)?);
    let gaps: Vec<f64> = row.try_get(at.recent_gaps)?;
    let share = |column| row.try_get(column).map(Share::from_hundredths);
    let report = ReportSummary {
        cpu_load: row.try_get(at.cpu_load)?,
        memory_share: share(at.memory_share)?,
        storage_total: row.try_get(at.storage_total)?,
        storage_usage: row.try_get(at.storage_usage)?,
        storage_share: share(at.storage_share)?,
        members: [
            row.try_get(at.members_online)?,
            row.try_get(at.members_offline)?,
            row.try_get(at.members_evacuated)?,
            row.try_get(at.members_blocked)?,
        ],
        other_members: counts(row, at.other_members)?,
        instances: [
            row.try_get(at.instances_running)?,
            row.try_get(at.instances_stopped)?,
            row.try_get(at.instances_frozen)?,
            row.try_get(at.instances_error)?,
        ],
        other_instances: counts(row, at.other_instances)?,
    };
    let warnings: Option<Vec<&str>> = row.try_get(at.warnings)?;
    Ok(Some(Arc::new(ClusterState {
        id: ClusterId(id),
        search_text: SearchText::new(&name, description),
        description: description.into(),
        name: ClusterName::from_stored(name),
        joined_at: row.try_get(at.joined_at)?,
        certificate_not_after: row.try_get(at.certificate_not_after)?,
        last_heartbeat_at: row.try_get(at.last_heartbeat_at)?,
        heard_at: ServiceTime::from_stored(row.try_get(at.heard_at)?),
        expected_interval: RecentGaps::new(gaps.into_iter().map(time::Duration::seconds_f64))
            .expected_interval(),
        warning_count: row.try_get(at.warning_count)?,
        critical_count: row.try_get(at.critical_count)?,
        memory_total: row.try_get(at.memory_total)?,
        memory_usage: row.try_get(at.memory_usage)?,
        member_count: row.try_get(at.members)?,
        report,
        reported: warnings.unwrap_or_default().into_iter().filter_map(read_warning).collect(),
    })))
}

fn position(row: &Row, name: &'static str) -> Result<usize, StoreError> {
    let found = row.columns().iter().position(|column| column.name() == name);
    found.ok_or_else(|| StoreError::corrupt("remote_cluster_liveness", name, "the query does not return it"))
}

fn counts(row: &Row, column: usize) -> Result<BTreeMap<String, i64>, StoreError> {
    let stored: Option<Json<_>> = row.try_get(column)?;
    Ok(stored.map(|Json(counts)| counts).unwrap_or_default())
}

/// A kind and its severity. One that a newer program added is left out rather than misread.
fn read_warning(words: &str) -> Option<(WarningKind, Severity)> {
    let (kind, severity) = words.split_once(' ')?;
    Some((WarningKind::from_word(kind)?, Severity::from_word(severity)?))
}
