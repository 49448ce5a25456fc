//! The columns of a batch, from which the statement and its parameters are generated.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fleet::report_summary::ReportSummary;
use protocol::heartbeat::Details;
use serde::Serialize;
use tokio_postgres::types::ToSql;

use crate::heartbeats::new_heartbeat::NewHeartbeat;

/// All columns, in the order of the statement's parameters.
///
/// The statuses of members and instances are in the order of [`fleet::report_summary::MEMBER_STATUSES`] and
/// [`fleet::report_summary::INSTANCE_STATUSES`].
static COLUMNS: &[Column] = &[
    column("id", Value::Integer(|report| report.id)),
    column("ceph_count", Value::Integer(|report| report.details.ceph_count())).in_details(),
    column("ceph_statuses", Value::Json(|report| list(&report.details.ceph_statuses))).in_details(),
    column("cpu_total_count", Value::BigInt(|report| report.details.cpu_total_count)).in_details(),
    column("cpu_load_1", Value::Text(|report| report.details.cpu_load_1.as_str())).in_details(),
    column("cpu_load_5", Value::Text(|report| report.details.cpu_load_5.as_str())).in_details(),
    column("cpu_load_15", Value::Text(|report| report.details.cpu_load_15.as_str())).in_details(),
    column("instance_count", Value::Integer(|report| report.details.instance_count()))
        .in_details()
        .in_liveness_as("instances"),
    column("instance_statuses", Value::Json(|report| list(&report.details.instance_statuses))).in_details(),
    column("member_count", Value::Integer(|report| report.details.member_count()))
        .in_details()
        .in_liveness_as("members"),
    column("member_statuses", Value::Json(|report| list(&report.details.member_statuses))).in_details(),
    column("memory_total_amount", Value::BigInt(|report| report.details.memory_total_amount))
        .in_details()
        .in_liveness_as("memory_total"),
    column("memory_usage", Value::BigInt(|report| report.details.memory_usage)).in_details().in_liveness(),
    column("storage_pool_usages", Value::Json(|report| list(&report.details.storage_pool_usages)))
        .in_details(),
    column("ui_url", Value::Text(|report| report.details.ui_url.as_str())).in_details(),
    column("cluster_uuid", Value::Text(|report| report.details.cluster_uuid.as_str())).in_details(),
    column("cpu_load", Value::Double(|report| report.summary.cpu_load)).in_liveness(),
    column("memory_share", Value::Integer(|report| report.summary.memory_share.hundredths())).in_liveness(),
    column("storage_total", Value::BigInt(|report| report.summary.storage_total)).in_liveness(),
    column("storage_usage", Value::BigInt(|report| report.summary.storage_usage)).in_liveness(),
    column("storage_share", Value::Integer(|report| report.summary.storage_share.hundredths())).in_liveness(),
    column("members_online", Value::Integer(|report| report.summary.members[0])).in_liveness(),
    column("members_offline", Value::Integer(|report| report.summary.members[1])).in_liveness(),
    column("members_evacuated", Value::Integer(|report| report.summary.members[2])).in_liveness(),
    column("members_blocked", Value::Integer(|report| report.summary.members[3])).in_liveness(),
    column("instances_running", Value::Integer(|report| report.summary.instances[0])).in_liveness(),
    column("instances_stopped", Value::Integer(|report| report.summary.instances[1])).in_liveness(),
    column("instances_frozen", Value::Integer(|report| report.summary.instances[2])).in_liveness(),
    column("instances_error", Value::Integer(|report| report.summary.instances[3])).in_liveness(),
    column("other_members", Value::OptionalJson(|report| counts(&report.summary.other_members)))
        .in_liveness(),
    column("other_instances", Value::OptionalJson(|report| counts(&report.summary.other_instances)))
        .in_liveness(),
];

/// The statement that stores a batch, built once for the process.
pub(super) static PUT_HEARTBEATS: LazyLock<String> = LazyLock::new(|| statement(COLUMNS));

/// One column of the batch.
struct Column {
    name: &'static str,
    value: Value,
    /// The column of `remote_cluster_liveness` that it updates.
    liveness: Option<&'static str>,
    /// The column of `remote_cluster_details` that it updates.
    details: Option<&'static str>,
}

/// A column's type, and how its value is taken from a report.
enum Value {
    Integer(fn(&Report<'_>) -> i32),
    BigInt(fn(&Report<'_>) -> i64),
    Double(fn(&Report<'_>) -> f64),
    Text(for<'r> fn(&'r Report<'_>) -> &'r str),
    /// Sent as text and cast to `jsonb`.
    Json(fn(&Report<'_>) -> String),
    /// The same, or null.
    OptionalJson(fn(&Report<'_>) -> Option<String>),
}

/// What the values are taken from.
pub(super) struct Report<'a> {
    id: i32,
    details: &'a Details,
    summary: ReportSummary,
}

/// The array parameters of the statement, one for each column.
pub(super) struct Parameters<'a>(Vec<Box<dyn ToSql + Sync + Send + 'a>>);

impl<'a> Report<'a> {
    pub(super) fn of(heartbeat: &'a NewHeartbeat) -> Self {
        let NewHeartbeat { cluster, details, .. } = heartbeat;
        Self { id: cluster.0, details, summary: ReportSummary::of(details) }
    }
}

impl<'a> Parameters<'a> {
    pub(super) fn of(reports: &'a [Report<'a>]) -> Self {
        Self(COLUMNS.iter().map(|column| column.value.array(reports)).collect())
    }

    pub(super) fn as_sql(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect()
    }
}

const fn column(name: &'static str, value: Value) -> Column {
    Column { name, value, liveness: None, details: None }
}

impl Column {
    const fn in_details(mut self) -> Self {
        self.details = Some(self.name);
        self
    }

    const fn in_liveness(self) -> Self {
        let name = self.name;
        self.in_liveness_as(name)
    }

    const fn in_liveness_as(mut self, name: &'static str) -> Self {
        self.liveness = Some(name);
        self
    }
}

impl Value {
    /// The array's type in SQL.
    fn sql_type(&self) -> &'static str {
        match self {
            Self::Integer(_) => "integer[]",
            Self::BigInt(_) => "bigint[]",
            Self::Double(_) => "double precision[]",
            Self::Text(_) | Self::Json(_) | Self::OptionalJson(_) => "text[]",
        }
    }

    fn is_json(&self) -> bool {
        matches!(self, Self::Json(_) | Self::OptionalJson(_))
    }

    fn array<'a>(&self, reports: &'a [Report<'a>]) -> Box<dyn ToSql + Sync + Send + 'a> {
        match self {
            Self::Integer(value) => Box::new(reports.iter().map(value).collect::<Vec<_>>()),
            Self::BigInt(value) => Box::new(reports.iter().map(value).collect::<Vec<_>>()),
            Self::Double(value) => Box::new(reports.iter().map(value).collect::<Vec<_>>()),
            Self::Text(value) => Box::new(reports.iter().map(value).collect::<Vec<_>>()),
            Self::Json(value) => Box::new(reports.iter().map(value).collect::<Vec<_>>()),
            Self::OptionalJson(value) => Box::new(reports.iter().map(value).collect::<Vec<_>>()),
        }
    }
}

fn statement(columns: &[Column]) -> String {
    let arrays =
        columns.iter().zip(1..).map(|(column, number)| format!("${number}::{}", column.value.sql_type()));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let names = columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let liveness = assignments(columns, |column| column.liveness);
    let details = assignments(columns, |column| column.details);
    format!(
        "-- put_heartbeats()
        WITH heartbeat AS (
            SELECT * FROM unnest({arrays}) AS h ({names})
        ), clock AS (
            SELECT wall, service FROM service_clock
        ), live AS (
            UPDATE remote_cluster_liveness AS l SET
                last_heartbeat_at = clock.wall,
                heard_at = clock.service,
                recent_gaps = CASE WHEN l.last_heartbeat_at IS NULL THEN l.recent_gaps ELSE
                    (l.recent_gaps || extract(epoch FROM clock.service - l.heard_at)::double precision)
                        [cardinality(l.recent_gaps) - 6 :] END,
                {liveness}
            FROM heartbeat, clock WHERE l.remote_cluster_id = heartbeat.id
            RETURNING l.remote_cluster_id, l.warning_count
        ), wide AS (
            UPDATE remote_cluster_details AS d SET {details}, updated_at = clock.wall
            FROM heartbeat, clock WHERE d.remote_cluster_id = heartbeat.id
        )
        SELECT remote_cluster_id, warning_count FROM live"
    )
}

fn assignments(columns: &[Column], target: impl Fn(&Column) -> Option<&'static str>) -> String {
    let assignment = |column: &Column| {
        let cast = if column.value.is_json() { "::jsonb" } else { "" };
        Some(format!("{} = heartbeat.{}{cast}", target(column)?, column.name))
    };
    columns.iter().filter_map(assignment).collect::<Vec<_>>().join(", ")
}

/// Counts by status in JSON, or `None` if there are none, which is nearly always the case.
fn counts(counts: &BTreeMap<String, i64>) -> Option<String> {
    if counts.is_empty() { None } else { serde_json::to_string(counts).ok() }
}

/// A list in JSON. Lists of texts and numbers can always be serialized.
fn list<T: Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_names_each_column_once_in_each_list() {
        let columns = [
            column("id", Value::Integer(|report| report.id)),
            column("a", Value::OptionalJson(|_| None)).in_details(),
            column("b", Value::Text(|_| "")).in_details().in_liveness_as("c"),
        ];
        let sql = statement(&columns);
        assert!(sql.contains("unnest($1::integer[], $2::text[], $3::text[]) AS h (id, a, b)"), "{sql}");
        assert!(
            sql.contains(" SET a = heartbeat.a::jsonb, b = heartbeat.b, updated_at = clock.wall"),
            "{sql}"
        );
        assert!(sql.contains("c = heartbeat.b\n"), "{sql}");
    }
}
