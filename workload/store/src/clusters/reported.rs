//! Which clusters reported recently, for pages that follow the fleet live.

use fleet::ClusterUid;
use time::{Duration, OffsetDateTime};

use crate::{Store, StoreError};

/// How far back before `since` to look. A batch takes its time before it commits, so a batch that was not yet
/// committed at the previous call is found by the next one.
const COMMIT_LAG: Duration = Duration::seconds(1);

impl Store {
    /// The clusters that reported since `since`, or `None` if they are more than `max`, and the `since` for the next
    /// call.
    pub async fn reported_since(
        &self,
        since: OffsetDateTime,
        max: usize,
    ) -> Result<(OffsetDateTime, Option<Vec<ClusterUid>>), StoreError> {
        let sql = "-- reported_since()
            SELECT clock_timestamp() AS now, ARRAY(
                SELECT c.uid FROM remote_cluster_liveness AS l JOIN remote_clusters AS c ON c.id = l.remote_cluster_id
                WHERE l.last_heartbeat_at > $1 LIMIT $2) AS uids";
        let limit = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
        let row = self.client().await?.query_one(sql, &[&(since - COMMIT_LAG), &limit]).await?;
        let uids: Vec<uuid::Uuid> = row.try_get("uids")?;
        let uids = (uids.len() <= max).then(|| uids.into_iter().map(ClusterUid).collect());
        Ok((row.try_get("now")?, uids))
    }
}
