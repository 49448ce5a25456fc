//! Health transitions, recorded by one unit at a time.
//!
//! Queries judge health when they run, by the same rules. What is recorded here is when it changed: for the history of
//! a cluster, for `since`, and for units that listen.

use std::collections::HashSet;

use fleet::{ClusterUid, Health, HealthRules, HealthState, Liveness, ServiceTime};
use time::OffsetDateTime;
use tokio_postgres::{Row, Transaction};

use crate::database::changes::{Change, notify};
use crate::heartbeats::liveness::liveness;
use crate::heartbeats::presence::{SERVICE_CLOCK, service_clock};
use crate::{Store, StoreError};

/// Held while recording transitions. A unit that cannot get it leaves the work to the unit that holds it.
const TRANSITIONS_LOCK: i64 = 0x636d_6a75_6467_6531;
/// The most transitions in one transaction, because heartbeats of these clusters wait for it. The next round records
/// the rest.
const MAX_TRANSITIONS_PER_ROUND: usize = 2000;

/// A change of a cluster's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The cluster concerned.
    pub cluster: ClusterUid,
    /// The cluster's name at that time.
    pub name: String,
    /// The state before.
    pub from: HealthState,
    /// The state after.
    pub to: HealthState,
    /// The reason as text.
    pub reason: String,
    /// When the health changed.
    pub at: OffsetDateTime,
}

impl Store {
    /// One round: judges the clusters whose recorded state may be outdated, and records what changed. Does
    /// nothing while another unit does it.
    pub async fn record_health_transitions(&self, rules: HealthRules) -> Result<Vec<Transition>, StoreError> {
        self.transaction("record_health_transitions", |tx| {
            Box::pin(async move {
                let sql = "-- record_health_transitions()\nSELECT pg_try_advisory_xact_lock($1) AS is_locked";
                if !tx.query_one(sql, &[&TRANSITIONS_LOCK]).await?.try_get::<_, bool>("is_locked")? {
                    return Ok(vec![]);
                }
                let changed = find_changed(&tx, &rules).await?;
                record(&tx, changed).await
            })
        })
        .await
    }

    /// The health transitions of a cluster, oldest first.
    pub async fn transitions(&self, cluster: ClusterUid) -> Result<Vec<Transition>, StoreError> {
        let sql = "-- transitions()
            SELECT cluster_uid, cluster_name, from_state, to_state, reason, at
            FROM health_transitions WHERE cluster_uid = $1 ORDER BY id";
        let rows = self.client().await?.query(sql, &[&cluster.0]).await?;
        rows.iter().map(read_transition).collect()
    }
}

/// A cluster whose health changed, and its last heartbeat by the service clock.
struct Changed {
    id: i32,
    heard_at: ServiceTime,
    transition: Transition,
}

async fn find_changed(tx: &Transaction<'_>, rules: &HealthRules) -> Result<Vec<Changed>, StoreError> {
    let clock = service_clock(&tx.query_one(SERVICE_CLOCK, &[]).await?)?;
    // No cluster is late before the floor, so one that is recorded as fresh and reported since then is still fresh.
    let silent_since = (clock.read().to_stored() - rules.late_floor).min(clock.now);
    let sql = "-- record_health_transitions()
        SELECT c.id, c.uid, c.name, l.last_heartbeat_at, l.heard_at, l.recent_gaps, l.state, l.state_since
        FROM remote_cluster_liveness AS l JOIN remote_clusters AS c ON c.id = l.remote_cluster_id
        WHERE l.state <> 'fresh' OR l.heard_at < $1 ORDER BY c.id";
    let mut changed = Vec::new();
    for row in tx.query(sql, &[&silent_since]).await? {
        let before = liveness(&row)?;
        let health = rules.judge(&before, &clock);
        if health.state != before.recorded.0 && changed.len() < MAX_TRANSITIONS_PER_ROUND {
            let transition = new_transition(&row, &before, health)?;
            changed.push(Changed { id: row.try_get("id")?, heard_at: before.heard_at, transition });
        }
    }
    Ok(changed)
}

fn new_transition(row: &Row, before: &Liveness, health: Health) -> Result<Transition, StoreError> {
    Ok(Transition {
        cluster: ClusterUid(row.try_get("uid")?),
        name: row.try_get("name")?,
        from: before.recorded.0,
        to: health.state,
        reason: health.reasons.join("; "),
        at: health.since,
    })
}

/// Records the changes of the clusters that have not reported in the meantime, and notifies the other units.
async fn record(tx: &Transaction<'_>, changed: Vec<Changed>) -> Result<Vec<Transition>, StoreError> {
    if changed.is_empty() {
        return Ok(vec![]);
    }
    let sql = "-- record_health_transitions()
        UPDATE remote_cluster_liveness AS l SET state = t.state, state_since = t.since
        FROM unnest($1::integer[], $2::timestamptz[], $3::text[], $4::timestamptz[]) AS t (id, heard_at, state, since)
        WHERE l.remote_cluster_id = t.id AND l.heard_at = t.heard_at RETURNING l.remote_cluster_id";
    let ids = column(&changed, |changed| changed.id);
    let heard = column(&changed, |changed| changed.heard_at.to_stored());
    let states = column(&changed, |changed| changed.transition.to.as_str());
    let since = column(&changed, |changed| changed.transition.at);
    let rows = tx.query(sql, &[&ids, &heard, &states, &since]).await?;
    let updated: HashSet<i32> =
        rows.iter().map(|row| row.try_get("remote_cluster_id")).collect::<Result<_, _>>()?;
    let recorded = changed.into_iter().filter(|changed| updated.contains(&changed.id));
    let recorded: Vec<Transition> = recorded.map(|changed| changed.transition).collect();
    insert(tx, &recorded).await?;
    for transition in &recorded {
        notify(tx, Change::HealthChanged(transition.cluster)).await?;
    }
    Ok(recorded)
}

async fn insert(tx: &Transaction<'_>, transitions: &[Transition]) -> Result<(), StoreError> {
    let sql = "-- record_health_transitions()
        INSERT INTO health_transitions (cluster_uid, cluster_name, from_state, to_state, reason, at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])";
    let uids = column(transitions, |transition| transition.cluster.0);
    let names = column(transitions, |transition| transition.name.as_str());
    let from = column(transitions, |transition| transition.from.as_str());
    let to = column(transitions, |transition| transition.to.as_str());
    let reasons = column(transitions, |transition| transition.reason.as_str());
    let at = column(transitions, |transition| transition.at);
    tx.execute(sql, &[&uids, &names, &from, &to, &reasons, &at]).await?;
    Ok(())
}

/// One array parameter of a statement.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn read_transition(row: &Row) -> Result<Transition, StoreError> {
    let state = |column: &'static str| {
        HealthState::from_word(row.try_get(column)?)
            .ok_or_else(|| StoreError::corrupt("health_transitions", column, "not a state of health"))
    };
    Ok(Transition {
        cluster: ClusterUid(row.try_get("cluster_uid")?),
        name: row.try_get("cluster_name")?,
        from: state("from_state")?,
        to: state("to_state")?,
        reason: row.try_get("reason")?,
        at: row.try_get("at")?,
    })
}
