//! Transitions of health, recorded by one unit at a time.
//!
//! What people see is judged when they look, by the same rules; this records when it changed, for history, `since`
//! and whoever listens.

use std::collections::HashSet;
use std::time::Duration;

use fleet::{ClusterUid, Health, HealthRules, HealthState, Liveness, ServiceTime};
use time::OffsetDateTime;
use tokio_postgres::{Row, Transaction};
use tokio_util::sync::CancellationToken;

use crate::changes::{Change, notify};
use crate::clusters::liveness;
use crate::presence::service_clock;
use crate::{Store, StoreError};

/// Held while judging; whoever does not get it leaves the work to the unit that has it.
const JUDGE_LOCK: i64 = 0x636d_6a75_6467_6531;
/// How often the fleet is judged.
const JUDGE_EVERY: Duration = Duration::from_secs(5);
/// How many changes are recorded in one transaction, whose rows no heartbeat can touch meanwhile. The rest wait for
/// the next time.
const AT_ONCE: usize = 2000;

/// A change of a cluster's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Whose.
    pub cluster: ClusterUid,
    /// Its name at that time.
    pub name: String,
    /// From what.
    pub from: HealthState,
    /// To what.
    pub to: HealthState,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: OffsetDateTime,
}

impl Store {
    /// Judges every so often until shutdown.
    pub async fn run_judge(&self, rules: HealthRules, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(JUDGE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            match self.record_transitions(rules).await {
                Ok(transitions) => transitions.iter().for_each(log),
                Err(error) => tracing::debug!(%error, "the fleet could not be judged"),
            }
        }
    }

    /// Judges the clusters whose recorded state may be wrong, and records what changed.
    pub async fn record_transitions(&self, rules: HealthRules) -> Result<Vec<Transition>, StoreError> {
        self.transaction("record_transitions", |tx| {
            Box::pin(async move {
                let sql = "-- record_transitions()\nSELECT pg_try_advisory_xact_lock($1)";
                if !tx.query_one(sql, &[&JUDGE_LOCK]).await?.try_get::<_, bool>(0)? {
                    return Ok(vec![]);
                }
                let clock = tx
                    .query_one("SELECT clock_timestamp(), accepting_until, outage_seconds FROM connector_presence", &[])
                    .await?;
                let clock = service_clock(&clock)?;
                // Nobody is late before the floor, so whoever is recorded as fresh and was heard since is.
                let silent_since = (clock.read().to_stored() - rules.late_floor).min(clock.now);
                let sql = "-- record_transitions()
                    SELECT c.id, c.uid, c.name, l.last_heartbeat_at, l.heard_at, l.recent_gaps, l.state, l.state_since
                    FROM remote_cluster_liveness AS l JOIN remote_clusters AS c ON c.id = l.remote_cluster_id
                    WHERE l.state <> 'fresh' OR l.heard_at < $1 ORDER BY c.id";
                let mut changed = Vec::new();
                for row in tx.query(sql, &[&silent_since]).await? {
                    let before = liveness(&row)?;
                    let health = rules.judge(&before, &clock);
                    if health.state != before.recorded.0 && changed.len() < AT_ONCE {
                        changed.push((row.try_get("id")?, before.heard_at, transition(&row, &before, health)?));
                    }
                }
                record(&tx, changed).await
            })
        })
        .await
    }

    /// A cluster's changes of health, oldest first.
    pub async fn transitions(&self, cluster: ClusterUid) -> Result<Vec<Transition>, StoreError> {
        let sql = "-- transitions()
            SELECT cluster_uid, cluster_name, from_state, to_state, reason, at
            FROM health_transitions WHERE cluster_uid = $1 ORDER BY id";
        let rows = self.client().await?.query(sql, &[&cluster.0]).await?;
        let state = |word: &str| {
            HealthState::from_word(word)
                .ok_or_else(|| StoreError::corrupt("health_transitions", "state", "not a state of health"))
        };
        rows.iter()
            .map(|row| {
                Ok(Transition {
                    cluster: ClusterUid(row.try_get(0)?),
                    name: row.try_get(1)?,
                    from: state(row.try_get(2)?)?,
                    to: state(row.try_get(3)?)?,
                    reason: row.try_get(4)?,
                    at: row.try_get(5)?,
                })
            })
            .collect()
    }
}

fn transition(row: &Row, before: &Liveness, health: Health) -> Result<Transition, StoreError> {
    Ok(Transition {
        cluster: ClusterUid(row.try_get("uid")?),
        name: row.try_get("name")?,
        from: before.recorded.0,
        to: health.state,
        reason: health.reasons.join("; "),
        at: health.since,
    })
}

/// Records the changes of those clusters that were not heard in the meantime, and tells who listens.
async fn record(
    tx: &Transaction<'_>,
    changed: Vec<(i32, ServiceTime, Transition)>,
) -> Result<Vec<Transition>, StoreError> {
    if changed.is_empty() {
        return Ok(vec![]);
    }
    let sql = "-- record_transitions()
        UPDATE remote_cluster_liveness AS l SET state = t.state, state_since = t.since
        FROM unnest($1::integer[], $2::timestamptz[], $3::text[], $4::timestamptz[]) AS t (id, heard_at, state, since)
        WHERE l.remote_cluster_id = t.id AND l.heard_at = t.heard_at RETURNING l.remote_cluster_id";
    let ids: Vec<i32> = changed.iter().map(|(id, ..)| *id).collect();
    let heard: Vec<OffsetDateTime> = changed.iter().map(|(_, heard_at, _)| heard_at.to_stored()).collect();
    let states: Vec<&str> = changed.iter().map(|(.., transition)| transition.to.as_str()).collect();
    let since: Vec<OffsetDateTime> = changed.iter().map(|(.., transition)| transition.at).collect();
    let recorded = tx.query(sql, &[&ids, &heard, &states, &since]).await?;
    let recorded =
        recorded.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<HashSet<i32>, StoreError>>()?;
    let kept =
        changed.into_iter().filter(|(id, ..)| recorded.contains(id)).map(|(.., transition)| transition);
    let kept: Vec<Transition> = kept.collect();
    keep(tx, &kept).await?;
    for transition in &kept {
        notify(tx, Change::Judged(transition.cluster)).await?;
    }
    Ok(kept)
}

/// Adds the changes to the history.
async fn keep(tx: &Transaction<'_>, transitions: &[Transition]) -> Result<(), StoreError> {
    let sql = "-- record_transitions()
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

fn column<'a, T>(all: &'a [Transition], value: impl Fn(&'a Transition) -> T) -> Vec<T> {
    all.iter().map(value).collect()
}

fn log(transition: &Transition) {
    let Transition { cluster, name, from, to, reason, .. } = transition;
    let (from, to) = (from.as_str(), to.as_str());
    tracing::info!(%cluster, name, from, to, reason, "a cluster's health changed");
}
