//! How every cluster stands, kept in memory for questions about the whole fleet, and brought up to date by what
//! changed whenever one is asked. A filter, a sort or a sum then costs one look over the narrow rows for changed ones
//! instead of a join, a sort and a judgement of all of them in SQL. Nothing is ever answered from memory alone, so
//! units need not tell each other anything.
//!
//! What changed is found by PostgreSQL's own book-keeping. A row's `xmin` is the transaction that wrote it. Whatever
//! a look did not see yet was written by a transaction that was still running then or began later; so the next one
//! asks for the rows written by the oldest of those or anybody after it. This takes that every change of a cluster
//! writes its row of `remote_cluster_liveness`, and its removal one of `remote_cluster_removals`: heartbeats do the
//! former, triggers see to the rest (0008_fleet_index.sql).

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::report_summary::{ReportSummary, Share};
use fleet::standing::SearchText;
use fleet::{ClusterId, RecentGaps, ServiceClock, ServiceTime, Severity, Standing, WarningKind};
use protocol::ClusterName;
use tokio::sync::Mutex;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::presence::service_clock;
use crate::{Store, StoreError};

/// After this long everything is read again: far less than removals are remembered and than it takes transactions'
/// numbers to come round.
const LONGEST_TRUST: Duration = Duration::from_secs(600);
/// The transaction that is older than all others: every row counts as changed.
const BEGINNING: &str = "0";

const CHANGED: &str = "-- fleet_index()
    WITH changed AS MATERIALIZED (
        SELECT * FROM remote_cluster_liveness WHERE age(xmin) <= (SELECT age($1::text::xid))
    ), moment AS MATERIALIZED (
        SELECT clock_timestamp() AS now, accepting_until, outage_seconds,
            pg_snapshot_xmin(pg_current_snapshot())::xid::text AS as_of,
            ARRAY(SELECT remote_cluster_id FROM remote_cluster_removals
                WHERE age(xmin) <= (SELECT age($1::text::xid))) AS removed,
            pg_postmaster_start_time() || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())
                AS server
        FROM connector_presence
    )
    SELECT moment.*, l.remote_cluster_id, c.name, c.description, c.joined_at, c.certificate_not_after,
        l.last_heartbeat_at, l.heard_at, l.recent_gaps, l.warning_count, l.critical_count, l.cpu_load,
        l.memory_total, l.memory_usage, l.memory_share, l.storage_total, l.storage_usage, l.storage_share,
        l.members, l.members_online, l.members_offline, l.members_evacuated, l.members_blocked,
        l.instances_running, l.instances_stopped, l.instances_frozen, l.instances_error,
        l.other_members, l.other_instances,
        CASE WHEN l.warning_count > 0 THEN (SELECT array_agg(DISTINCT w.kind || ' ' || w.severity)
            FROM remote_cluster_warnings AS w WHERE w.remote_cluster_id = l.remote_cluster_id) END
    -- Each is looked up by its key: of a few the planner cannot know that they are few.
    FROM moment LEFT JOIN (changed AS l CROSS JOIN LATERAL (
        SELECT * FROM remote_clusters WHERE id = l.remote_cluster_id OFFSET 0) AS c) ON true";

/// The index of one process.
#[derive(Default)]
pub(crate) struct FleetIndex(Mutex<Option<Known>>);

/// The fleet at one moment.
#[derive(Clone)]
pub(crate) struct Fleet {
    /// By which to judge it.
    pub(crate) clock: ServiceClock,
    /// All clusters, sorted by id.
    pub(crate) clusters: Arc<Vec<Arc<Standing>>>,
}

struct Known {
    fleet: Fleet,
    /// The oldest transaction whose rows may be missing here.
    as_of: String,
    /// Where it was read. Elsewhere transactions' numbers mean nothing.
    server: String,
    /// When everything was last read.
    read_at: Instant,
    /// When the last look for changes began.
    looked_at: Instant,
}

impl Store {
    /// The fleet as it stands now: with everything that was committed before this was called.
    pub(crate) async fn fleet(&self) -> Result<Fleet, StoreError> {
        let called_at = Instant::now();
        let mut known = self.index.0.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.looked_at >= called_at) {
            // Somebody else looked while this waited.
            return Ok(known.fleet.clone());
        }
        let looked_at = Instant::now();
        // Out of its place until it is known to be right: after an error the next connection may lead elsewhere.
        let last = known.take().filter(|last| last.read_at.elapsed() < LONGEST_TRUST);
        if let Some(last) = last {
            let look = self.look(&last.as_of).await?;
            if last.server == look.server {
                let mut fleet = Fleet { clock: look.clock, ..last.fleet };
                let clusters = Arc::make_mut(&mut fleet.clusters);
                if !look.removed.is_empty() {
                    clusters.retain(|cluster| !look.removed.contains(&cluster.id.0));
                }
                for changed in look.changed {
                    match clusters.binary_search_by_key(&changed.id, |cluster| cluster.id) {
                        Ok(place) => clusters[place] = changed,
                        Err(place) => clusters.insert(place, changed),
                    }
                }
                *known = Some(Known { fleet: fleet.clone(), as_of: look.as_of, looked_at, ..last });
                return Ok(fleet);
            }
        }
        let mut look = self.look(BEGINNING).await?;
        look.changed.sort_unstable_by_key(|cluster| cluster.id);
        let fleet = Fleet { clock: look.clock, clusters: Arc::new(look.changed) };
        let Look { as_of, server, .. } = look;
        *known = Some(Known { fleet: fleet.clone(), as_of, server, read_at: looked_at, looked_at });
        Ok(fleet)
    }

    async fn look(&self, as_of: &str) -> Result<Look, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(CHANGED).await?;
        let rows = client.query(&statement, &[&as_of]).await?;
        let moment = rows.first().ok_or_else(|| {
            StoreError::corrupt("connector_presence", "only_row", "the table has lost its row")
        })?;
        // Where nothing changed the moment stands alone.
        let changed = rows.iter().filter_map(|row| standing(row).transpose());
        Ok(Look {
            clock: service_clock(moment)?,
            as_of: moment.try_get(3)?,
            server: moment.try_get(5)?,
            removed: moment.try_get(4)?,
            changed: changed.collect::<Result<_, _>>()?,
        })
    }
}

/// What one look found.
struct Look {
    clock: ServiceClock,
    as_of: String,
    server: String,
    /// The numbers of clusters that are gone.
    removed: Vec<i32>,
    changed: Vec<Arc<Standing>>,
}

fn standing(row: &Row) -> Result<Option<Arc<Standing>>, StoreError> {
    let Some(id) = row.try_get(6)? else { return Ok(None) };
    let (name, description): (String, &str) = (row.try_get(7)?, row.try_get(8)?);
    let gaps: Vec<f64> = row.try_get(13)?;
    let share = |column| row.try_get(column).map(Share::from_hundredths);
    let report = ReportSummary {
        cpu_load: row.try_get(16)?,
        memory_share: share(19)?,
        storage_total: row.try_get(20)?,
        storage_usage: row.try_get(21)?,
        storage_share: share(22)?,
        members: [row.try_get(24)?, row.try_get(25)?, row.try_get(26)?, row.try_get(27)?],
        other_members: others(row, 32)?,
        instances: [row.try_get(28)?, row.try_get(29)?, row.try_get(30)?, row.try_get(31)?],
        other_instances: others(row, 33)?,
    };
    let reported: Option<Vec<&str>> = row.try_get(34)?;
    Ok(Some(Arc::new(Standing {
        id: ClusterId(id),
        search_text: SearchText::new(&name, description),
        description: description.into(),
        name: ClusterName::from_stored(name),
        joined_at: row.try_get(9)?,
        certificate_not_after: row.try_get(10)?,
        last_heartbeat_at: row.try_get(11)?,
        heard_at: ServiceTime::from_stored(row.try_get(12)?),
        expected_interval: RecentGaps::new(gaps.into_iter().map(time::Duration::seconds_f64))
            .expected_interval(),
        warning_count: row.try_get(14)?,
        critical_count: row.try_get(15)?,
        memory_total: row.try_get(17)?,
        memory_usage: row.try_get(18)?,
        member_count: row.try_get(23)?,
        report,
        reported: reported.unwrap_or_default().into_iter().filter_map(warning).collect(),
    })))
}

fn others(row: &Row, column: usize) -> Result<std::collections::BTreeMap<String, i64>, StoreError> {
    let stored: Option<Json<_>> = row.try_get(column)?;
    Ok(stored.map(|Json(counts)| counts).unwrap_or_default())
}

/// A kind and its severity; what a newer program added is left out rather than misread.
fn warning(words: &str) -> Option<(WarningKind, Severity)> {
    let (kind, severity) = words.split_once(' ')?;
    Some((WarningKind::from_word(kind)?, Severity::from_word(severity)?))
}
