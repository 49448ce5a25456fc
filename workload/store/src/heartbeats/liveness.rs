//! A cluster's liveness, from a row.

use fleet::{HealthState, Liveness, RecentGaps, ServiceTime};
use time::Duration;
use tokio_postgres::Row;

use crate::StoreError;

/// Reads the columns `last_heartbeat_at`, `heard_at`, `recent_gaps`, `state` and `state_since`.
pub(crate) fn liveness(row: &Row) -> Result<Liveness, StoreError> {
    let gaps: Vec<f64> = row.try_get("recent_gaps")?;
    let word: &str = row.try_get("state")?;
    let state = HealthState::from_word(word)
        .ok_or_else(|| StoreError::corrupt("remote_cluster_liveness", "state", "not a state of health"))?;
    Ok(Liveness {
        last_heartbeat_at: row.try_get("last_heartbeat_at")?,
        heard_at: ServiceTime::from_stored(row.try_get("heard_at")?),
        recent_gaps: RecentGaps::new(gaps.into_iter().map(Duration::seconds_f64)),
        recorded: (state, row.try_get("state_since")?),
    })
}
