//! Who reported lately: for pages that follow the fleet as it lives.

use fleet::ClusterUid;
use time::{Duration, OffsetDateTime};

use crate::{Store, StoreError};

/// A batch's time is taken before its commit: one that was under way at the last look is seen at the next.
const COMMIT_LAG: Duration = Duration::seconds(1);

impl Store {
    /// The clusters whose heartbeats came since then, or `None` for more than `most`; and until when that says all.
    pub async fn reported_since(
        &self,
        since: OffsetDateTime,
        most: usize,
    ) -> Result<(OffsetDateTime, Option<Vec<ClusterUid>>), StoreError> {
        let sql = "-- reported_since()
            SELECT clock_timestamp(), ARRAY(
                SELECT c.uid FROM remote_cluster_liveness AS l JOIN remote_clusters AS c ON c.id = l.remote_cluster_id
                WHERE l.last_heartbeat_at > $1 LIMIT $2)";
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let row = self.client().await?.query_one(sql, &[&(since - COMMIT_LAG), &limit]).await?;
        let uids: Vec<uuid::Uuid> = row.try_get(1)?;
        let uids = (uids.len() <= most).then(|| uids.into_iter().map(ClusterUid).collect());
        Ok((row.try_get(0)?, uids))
    }
}
