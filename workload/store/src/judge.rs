//! Transitions of health, recorded by one unit at a time.
//!
//! What people see is judged when they look, by the same rules; this records when it changed, for history, `since`
//! and whoever listens.

use std::time::Duration;

use fleet::{ClusterId, ClusterUid, Health, HealthRules, HealthState, Liveness};
use time::OffsetDateTime;
use tokio_postgres::Transaction;
use tokio_util::sync::CancellationToken;

use crate::changes::{Change, notify};
use crate::clusters::liveness;
use crate::presence::service_clock;
use crate::{Store, StoreError};

/// Held while judging; whoever does not get it leaves the work to the unit that has it.
const JUDGE_LOCK: i64 = 0x636d_6a75_6467_6531;
/// How often the fleet is judged.
const JUDGE_EVERY: Duration = Duration::from_secs(5);

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
                let mut transitions = Vec::new();
                for row in tx.query(sql, &[&silent_since]).await? {
                    let before = liveness(&row)?;
                    let health = rules.judge(&before, &clock);
                    let id = ClusterId(row.try_get("id")?);
                    if health.state == before.recorded.0 || !record(&tx, id, &before, &health).await? {
                        continue;
                    }
                    let cluster = ClusterUid(row.try_get("uid")?);
                    let transition = Transition {
                        cluster,
                        name: row.try_get("name")?,
                        from: before.recorded.0,
                        to: health.state,
                        reason: health.reasons.join("; "),
                        at: health.since,
                    };
                    keep(&tx, &transition).await?;
                    notify(&tx, Change::Judged(cluster)).await?;
                    transitions.push(transition);
                }
                Ok(transitions)
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

/// Records the state, unless the cluster was heard in the meantime; says whether it did.
async fn record(
    tx: &Transaction<'_>,
    id: ClusterId,
    before: &Liveness,
    health: &Health,
) -> Result<bool, StoreError> {
    let sql = "-- record_transitions()
        UPDATE remote_cluster_liveness SET state = $2, state_since = $3
        WHERE remote_cluster_id = $1 AND heard_at = $4";
    let heard_at = before.heard_at.to_stored();
    Ok(tx.execute(sql, &[&id.0, &health.state.as_str(), &health.since, &heard_at]).await? > 0)
}

async fn keep(tx: &Transaction<'_>, transition: &Transition) -> Result<(), StoreError> {
    let sql = "-- record_transitions()
        INSERT INTO health_transitions (cluster_uid, cluster_name, from_state, to_state, reason, at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let Transition { cluster, name, from, to, reason, at } = transition;
    tx.execute(sql, &[&cluster.0, name, &from.as_str(), &to.as_str(), reason, at]).await?;
    Ok(())
}

fn log(transition: &Transition) {
    let Transition { cluster, name, from, to, reason, .. } = transition;
    let (from, to) = (from.as_str(), to.as_str());
    tracing::info!(%cluster, name, from, to, reason, "a cluster's health changed");
}
