//! The warnings that follow from a batch.

use tokio_postgres::Transaction;

use crate::StoreError;
use crate::heartbeats::new_heartbeat::NewHeartbeat;

/// Updates the stored warnings to those of the heartbeats. A warning that continues keeps its `since`.
pub(super) async fn put_warnings(
    transaction: &Transaction<'_>,
    heartbeats: &[&NewHeartbeat],
) -> Result<(), StoreError> {
    let reported: Vec<i32> = heartbeats.iter().map(|heartbeat| heartbeat.cluster.0).collect();
    let found = || {
        heartbeats
            .iter()
            .flat_map(|heartbeat| heartbeat.findings.iter().map(|finding| (heartbeat.cluster.0, finding)))
    };
    let ids: Vec<i32> = found().map(|(id, _)| id).collect();
    let kinds: Vec<&str> = found().map(|(_, finding)| finding.kind.as_str()).collect();
    let subjects: Vec<&str> = found().map(|(_, finding)| finding.subject.as_str()).collect();
    let severities: Vec<&str> = found().map(|(_, finding)| finding.severity.as_str()).collect();
    let texts: Vec<&str> = found().map(|(_, finding)| finding.text.as_str()).collect();
    let sql = "-- put_warnings()
        WITH found AS (
            SELECT * FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[])
                AS f (id, kind, subject, severity, text)
            -- A cluster may have been removed since its heartbeat was accepted.
            WHERE EXISTS (SELECT FROM remote_cluster_liveness AS l WHERE l.remote_cluster_id = f.id)
        ), gone AS (
            DELETE FROM remote_cluster_warnings AS w WHERE w.remote_cluster_id = ANY ($1::integer[])
                AND NOT EXISTS (SELECT FROM found AS f
                    WHERE f.id = w.remote_cluster_id AND f.kind = w.kind AND f.subject = w.subject)
        ), kept AS (
            INSERT INTO remote_cluster_warnings AS w (remote_cluster_id, kind, subject, severity, text)
            SELECT id, kind, subject, severity, text FROM found
            ON CONFLICT (remote_cluster_id, kind, subject) DO UPDATE
                SET severity = excluded.severity, text = excluded.text
                WHERE (w.severity, w.text) IS DISTINCT FROM (excluded.severity, excluded.text)
        )
        UPDATE remote_cluster_liveness AS l SET warning_count = counted.warnings, critical_count = counted.critical
        FROM (SELECT r.id, count(f.id)::integer AS warnings,
                  (count(*) FILTER (WHERE f.severity = 'critical'))::integer AS critical
              FROM unnest($1::integer[]) AS r (id) LEFT JOIN found AS f ON f.id = r.id GROUP BY r.id) AS counted
        WHERE l.remote_cluster_id = counted.id
            AND (l.warning_count, l.critical_count) <> (counted.warnings, counted.critical)";
    let statement = transaction.prepare(sql).await?;
    transaction.execute(&statement, &[&reported, &ids, &kinds, &subjects, &severities, &texts]).await?;
    Ok(())
}
