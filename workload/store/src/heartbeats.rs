//! The batch statement: heartbeats that arrive together become one statement and one commit.

use std::array;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use deadpool_postgres::Client;
use fleet::ClusterId;
use fleet::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES, ReportSummary};
use fleet::warning::Finding;
use protocol::heartbeat::Details;
use serde::Serialize;
use tokio::time::timeout;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::options::STATEMENT_TIMEOUT;
use crate::{Store, StoreError};

/// One heartbeat, ready to be stored.
#[derive(Debug, Clone)]
pub struct Beat {
    /// Whose it is.
    pub cluster: ClusterId,
    /// What it reports.
    pub details: Details,
    /// What its report shows to be wrong.
    pub findings: Vec<Finding>,
}

/// How long a batch may take; longer than the server gives its statements.
const PATIENCE: Duration = Duration::from_secs(2 * STATEMENT_TIMEOUT.as_secs());

const PUT_HEARTBEATS: &str = "-- put_heartbeats()
    WITH beat AS (
        SELECT * FROM unnest($1::integer[], $2::integer[], $3::text[], $4::bigint[], $5::text[], $6::text[],
            $7::text[], $8::integer[], $9::text[], $10::integer[], $11::text[], $12::bigint[], $13::bigint[],
            $14::text[], $15::text[], $16::double precision[], $17::integer[], $18::bigint[], $19::bigint[],
            $20::integer[], $21::integer[], $22::integer[], $23::integer[], $24::integer[], $25::integer[],
            $26::integer[], $27::integer[], $28::integer[], $29::text[], $30::text[])
            AS b (id, ceph_count, ceph_statuses, cpu_total_count, cpu_load_1, cpu_load_5, cpu_load_15,
                instance_count, instance_statuses, member_count, member_statuses, memory_total_amount, memory_usage,
                storage_pool_usages, ui_url, cpu_load, memory_share, storage_total, storage_usage, storage_share,
                members_online, members_offline, members_evacuated, members_blocked, instances_running,
                instances_stopped, instances_frozen, instances_error, other_members, other_instances)
    ), clock AS (
        SELECT wall, service FROM service_clock
    ), live AS (
        UPDATE remote_cluster_liveness AS l SET
            last_heartbeat_at = clock.wall,
            heard_at = clock.service,
            recent_gaps = CASE WHEN l.last_heartbeat_at IS NULL THEN l.recent_gaps ELSE
                (l.recent_gaps || extract(epoch FROM clock.service - l.heard_at)::double precision)
                    [cardinality(l.recent_gaps) - 6 :] END,
            cpu_load = beat.cpu_load, memory_total = beat.memory_total_amount, memory_usage = beat.memory_usage,
            memory_share = beat.memory_share, storage_total = beat.storage_total, storage_usage = beat.storage_usage,
            storage_share = beat.storage_share, members = beat.member_count, members_online = beat.members_online,
            members_offline = beat.members_offline, members_evacuated = beat.members_evacuated,
            members_blocked = beat.members_blocked, instances = beat.instance_count,
            instances_running = beat.instances_running, instances_stopped = beat.instances_stopped,
            instances_frozen = beat.instances_frozen, instances_error = beat.instances_error,
            other_members = beat.other_members::jsonb, other_instances = beat.other_instances::jsonb
        FROM beat, clock WHERE l.remote_cluster_id = beat.id
        RETURNING l.remote_cluster_id, l.warning_count
    ), wide AS (
        UPDATE remote_cluster_details AS d SET
            ceph_count = beat.ceph_count, ceph_statuses = beat.ceph_statuses::jsonb,
            cpu_total_count = beat.cpu_total_count, cpu_load_1 = beat.cpu_load_1, cpu_load_5 = beat.cpu_load_5,
            cpu_load_15 = beat.cpu_load_15, instance_count = beat.instance_count,
            instance_statuses = beat.instance_statuses::jsonb, member_count = beat.member_count,
            member_statuses = beat.member_statuses::jsonb, memory_total_amount = beat.memory_total_amount,
            memory_usage = beat.memory_usage, storage_pool_usages = beat.storage_pool_usages::jsonb,
            ui_url = beat.ui_url, updated_at = clock.wall
        FROM beat, clock WHERE d.remote_cluster_id = beat.id
    )
    SELECT remote_cluster_id, warning_count FROM live";

impl Store {
    /// Stores beats in one transaction: all or none. At most one beat a cluster, sorted by cluster, so that two
    /// units cannot wait for each other. Answers which clusters exist.
    pub(crate) async fn put_heartbeats(&self, beats: &[&Beat]) -> Result<HashSet<ClusterId>, StoreError> {
        let mut client = self.client().await?;
        match timeout(PATIENCE, put_heartbeats(&mut client, beats)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => {
                // A server that does not even keep its own time limit is hung, and its connection with it: nobody
                // must be given that one again.
                drop(Client::take(client));
                Err(StoreError::Unavailable(Box::new(elapsed)))
            }
        }
    }
}

async fn put_heartbeats(client: &mut Client, beats: &[&Beat]) -> Result<HashSet<ClusterId>, StoreError> {
    let rows = Rows::of(beats);
    let statement = client.prepare_cached(PUT_HEARTBEATS).await?;
    if !beats.iter().any(|beat| !beat.findings.is_empty()) {
        // The ordinary case needs no second statement, and so no transaction around the first, unless a cluster
        // had warnings that are now gone.
        let stored = client.query(&statement, &rows.parameters()).await?;
        let stored = stored.iter().map(|row| Ok((ClusterId(row.try_get(0)?), row.try_get(1)?)));
        let stored = stored.collect::<Result<Vec<(ClusterId, i32)>, StoreError>>()?;
        if stored.iter().any(|(_, warnings)| *warnings > 0) {
            // The beats are stored whatever becomes of this; the next ones would clear the warnings as well.
            if let Err(error) = clear_warnings(client, beats).await {
                tracing::warn!(%error, "warnings whose cause has gone stay until the next heartbeat");
            }
        }
        return Ok(stored.into_iter().map(|(id, _)| id).collect());
    }
    let transaction = client.transaction().await?;
    let stored = transaction.query(&statement, &rows.parameters()).await?;
    put_warnings(&transaction, beats).await?;
    transaction.commit().await?;
    stored.iter().map(|row| Ok(ClusterId(row.try_get(0)?))).collect()
}

async fn clear_warnings(client: &mut Client, beats: &[&Beat]) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    put_warnings(&transaction, beats).await?;
    transaction.commit().await?;
    Ok(())
}

/// Brings the stored warnings to what the beats show; one that goes on keeps its since.
async fn put_warnings(transaction: &Transaction<'_>, beats: &[&Beat]) -> Result<(), StoreError> {
    let reported: Vec<i32> = beats.iter().map(|beat| beat.cluster.0).collect();
    let found =
        || beats.iter().flat_map(|beat| beat.findings.iter().map(|finding| (beat.cluster.0, finding)));
    let ids: Vec<i32> = found().map(|(id, _)| id).collect();
    let kinds: Vec<&str> = found().map(|(_, finding)| finding.kind.as_str()).collect();
    let subjects: Vec<&str> = found().map(|(_, finding)| finding.subject.as_str()).collect();
    let severities: Vec<&str> = found().map(|(_, finding)| finding.severity.as_str()).collect();
    let texts: Vec<&str> = found().map(|(_, finding)| finding.text.as_str()).collect();
    let sql = "-- put_warnings()
        WITH found AS (
            SELECT * FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[])
                AS f (id, kind, subject, severity, text)
            -- A cluster may have been removed since its beat was taken in.
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

/// The beats column by column, as `unnest` takes them.
struct Rows<'a> {
    id: Vec<i32>,
    ceph_count: Vec<i32>,
    ceph_statuses: Vec<String>,
    cpu_total_count: Vec<i64>,
    cpu_load_1: Vec<&'a str>,
    cpu_load_5: Vec<&'a str>,
    cpu_load_15: Vec<&'a str>,
    instance_count: Vec<i32>,
    instance_statuses: Vec<String>,
    member_count: Vec<i32>,
    member_statuses: Vec<String>,
    memory_total_amount: Vec<i64>,
    memory_usage: Vec<i64>,
    storage_pool_usages: Vec<String>,
    ui_url: Vec<&'a str>,
    cpu_load: Vec<f64>,
    memory_share: Vec<i32>,
    storage_total: Vec<i64>,
    storage_usage: Vec<i64>,
    storage_share: Vec<i32>,
    /// One list a status of [`MEMBER_STATUSES`].
    members: [Vec<i32>; MEMBER_STATUSES.len()],
    /// One list a status of [`INSTANCE_STATUSES`].
    instances: [Vec<i32>; INSTANCE_STATUSES.len()],
    other_members: Vec<Option<String>>,
    other_instances: Vec<Option<String>>,
}

impl<'a> Rows<'a> {
    fn of(beats: &[&'a Beat]) -> Self {
        fn column<'a, T>(beats: &[&'a Beat], value: impl Fn(&'a Details) -> T) -> Vec<T> {
            beats.iter().map(|beat| value(&beat.details)).collect()
        }
        fn number<T>(summaries: &[ReportSummary], value: impl Fn(&ReportSummary) -> T) -> Vec<T> {
            summaries.iter().map(value).collect()
        }
        let summaries: Vec<ReportSummary> =
            beats.iter().map(|beat| ReportSummary::of(&beat.details)).collect();
        Self {
            id: beats.iter().map(|beat| beat.cluster.0).collect(),
            ceph_count: column(beats, Details::ceph_count),
            ceph_statuses: column(beats, |details| json(&details.ceph_statuses)),
            cpu_total_count: column(beats, |details| details.cpu_total_count),
            cpu_load_1: column(beats, |details| details.cpu_load_1.as_str()),
            cpu_load_5: column(beats, |details| details.cpu_load_5.as_str()),
            cpu_load_15: column(beats, |details| details.cpu_load_15.as_str()),
            instance_count: column(beats, Details::instance_count),
            instance_statuses: column(beats, |details| json(&details.instance_statuses)),
            member_count: column(beats, Details::member_count),
            member_statuses: column(beats, |details| json(&details.member_statuses)),
            memory_total_amount: column(beats, |details| details.memory_total_amount),
            memory_usage: column(beats, |details| details.memory_usage),
            storage_pool_usages: column(beats, |details| json(&details.storage_pool_usages)),
            ui_url: column(beats, |details| details.ui_url.as_str()),
            cpu_load: number(&summaries, |summary| summary.cpu_load),
            memory_share: number(&summaries, |summary| summary.memory_share.hundredths()),
            storage_total: number(&summaries, |summary| summary.storage_total),
            storage_usage: number(&summaries, |summary| summary.storage_usage),
            storage_share: number(&summaries, |summary| summary.storage_share.hundredths()),
            members: array::from_fn(|status| number(&summaries, |summary| summary.members[status])),
            instances: array::from_fn(|status| number(&summaries, |summary| summary.instances[status])),
            other_members: number(&summaries, |summary| object(&summary.other_members)),
            other_instances: number(&summaries, |summary| object(&summary.other_instances)),
        }
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 30] {
        let [online, offline, evacuated, blocked] = &self.members;
        let [running, stopped, frozen, error] = &self.instances;
        [
            &self.id,
            &self.ceph_count,
            &self.ceph_statuses,
            &self.cpu_total_count,
            &self.cpu_load_1,
            &self.cpu_load_5,
            &self.cpu_load_15,
            &self.instance_count,
            &self.instance_statuses,
            &self.member_count,
            &self.member_statuses,
            &self.memory_total_amount,
            &self.memory_usage,
            &self.storage_pool_usages,
            &self.ui_url,
            &self.cpu_load,
            &self.memory_share,
            &self.storage_total,
            &self.storage_usage,
            &self.storage_share,
            online,
            offline,
            evacuated,
            blocked,
            running,
            stopped,
            frozen,
            error,
            &self.other_members,
            &self.other_instances,
        ]
    }
}

/// Counts by status in JSON; nothing where there are none, as nearly always.
fn object(counts: &BTreeMap<String, i64>) -> Option<String> {
    if counts.is_empty() { None } else { serde_json::to_string(counts).ok() }
}

/// A list in JSON. Lists of texts and numbers always serialize.
fn json<T: Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}
