//! Queries over the fleet: pages of the list, filtered and sorted; names that match a filter; totals.
//!
//! The fleet index decides which clusters they return; wide rows are read only for the clusters of a page.

mod cursor;

use std::pin::pin;
use std::sync::Arc;

use fleet::Judge;
use fleet::query::{self, ClusterFilter, ClusterQuery};
use fleet::{Cluster, ClusterState, FleetTotals, HealthRules, ServiceClock};
use futures_util::TryStreamExt as _;
use protocol::ClusterName;
use tokio_postgres::RowStream;
use tokio_postgres::types::ToSql;

use crate::clusters::cluster::{COLUMNS, TABLES, cluster};
use crate::{Store, StoreError};

use cursor::CursorList;

/// The most bytes of rows that are read at once. A cluster usually has one or two thousand.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A page of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterPage {
    /// The clock by which the page was filtered and sorted, and by which to judge the health of its clusters.
    pub clock: ServiceClock,
    /// The clusters, in order: fewer than asked for if their reports are large.
    pub clusters: Vec<Cluster>,
    /// The cursor of the next page, or `None` on the last page.
    pub next_cursor: Option<String>,
    /// The number of clusters that match the filter, on all pages.
    pub total: u64,
}

/// Clusters in order, as many as may be in memory at once.
#[derive(Debug, Default)]
pub struct Bounded {
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// Whether there are more, which were left out because the reports of these are large.
    pub is_cut: bool,
}

/// Why a page cannot be returned.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The cursor is invalid, or was made for another order or filter.
    #[error("the cursor does not belong to this list")]
    InvalidCursor,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// A page of the list.
    ///
    /// The next page begins after the last cluster of this one in the sort order, not at a row number. Clusters that
    /// are added, removed or moved between two requests do not shift the others: a cluster that keeps its place is
    /// returned exactly once. A cluster that itself moves across the end of a page, for example because its health
    /// changed, is returned twice or not at all.
    pub async fn cluster_page(
        &self,
        query: &ClusterQuery,
        rules: &HealthRules,
    ) -> Result<ClusterPage, PageError> {
        let list = CursorList { sort: query.sort, order: query.order, filter: &query.filter };
        let after = match &query.cursor {
            Some(text) => Some(cursor::open(&self.crypter, text, &list).ok_or(PageError::InvalidCursor)?),
            None => None,
        };
        let fleet = self.fleet().await?;
        let judge = Judge::new(rules, &fleet.clock);
        let selection =
            query::select(fleet.clusters.iter().map(AsRef::as_ref), query, after.as_ref(), &judge);
        let ids: Vec<i32> = selection.page.iter().map(|cluster| cluster.id.0).collect();
        let read = self.clusters_in_order(&ids).await?;
        let end = if read.is_cut {
            let last = read.clusters.last().map(|cluster| cluster.id);
            let last = selection.page.iter().find(|cluster| Some(cluster.id) == last);
            last.map(|last| query::position(last, query.sort, &judge))
        } else {
            selection.end
        };
        let next_cursor = end.map(|end| cursor::seal(&self.crypter, &end, &list)).transpose()?;
        Ok(ClusterPage { clock: fleet.clock, clusters: read.clusters, next_cursor, total: selection.total })
    }

    /// The names of the clusters that match the filter, sorted by their bytes, at most `max`.
    pub async fn cluster_names_matching(
        &self,
        filter: &ClusterFilter,
        rules: &HealthRules,
        max: usize,
    ) -> Result<Vec<ClusterName>, StoreError> {
        let fleet = self.fleet().await?;
        let judge = Judge::new(rules, &fleet.clock);
        let mut found = query::matching(fleet.clusters.iter().map(AsRef::as_ref), filter, &judge);
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found.into_iter().take(max).map(|cluster: &ClusterState| cluster.name.clone()).collect())
    }

    /// The totals of the fleet, and the clock by which its health was judged.
    pub async fn fleet_totals(&self, rules: &HealthRules) -> Result<(ServiceClock, FleetTotals), StoreError> {
        let fleet = self.fleet().await?;
        let judge = Judge::new(rules, &fleet.clock);
        Ok((fleet.clock, FleetTotals::of(fleet.clusters.iter().map(AsRef::as_ref), &judge)))
    }

    /// The state of every cluster, sorted by id, and the clock by which to judge their health.
    pub async fn fleet_snapshot(&self) -> Result<(ServiceClock, Arc<Vec<Arc<ClusterState>>>), StoreError> {
        let fleet = self.fleet().await?;
        Ok((fleet.clock, fleet.clusters))
    }

    /// The clusters after a name, in the order of their names' bytes, at most `max`, or fewer if their reports are large:
    /// for reading the whole list in parts. No connection and no snapshot is held between the parts, however slowly they
    /// are read.
    pub async fn clusters_after(&self, name: &str, max: u16) -> Result<Bounded, StoreError> {
        let sql = format!(
            "-- clusters_after()
            WITH page AS MATERIALIZED (
                SELECT id FROM remote_clusters WHERE name COLLATE \"C\" > $1 ORDER BY name COLLATE \"C\" LIMIT $2)
            SELECT {COLUMNS} FROM page JOIN {TABLES} ON c.id = page.id ORDER BY c.name COLLATE \"C\""
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await?;
        bounded(client.query_raw(&statement, [&name as &(dyn ToSql + Sync), &i64::from(max)]).await?).await
    }

    /// The clusters with these ids, in this order, without those that were removed in the meantime.
    async fn clusters_in_order(&self, ids: &[i32]) -> Result<Bounded, StoreError> {
        if ids.is_empty() {
            return Ok(Bounded::default());
        }
        let sql = format!(
            "-- clusters_in_order()
            SELECT {COLUMNS} FROM unnest($1::integer[]) WITH ORDINALITY AS page (id, place)
                JOIN {TABLES} ON c.id = page.id ORDER BY page.place"
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await?;
        bounded(client.query_raw(&statement, [&ids]).await?).await
    }
}

/// Reads rows until they are too large for one answer, at least one.
async fn bounded(rows: RowStream) -> Result<Bounded, StoreError> {
    let mut rows = pin!(rows);
    let (mut read, mut size) = (Bounded::default(), 0);
    while let Some(row) = rows.try_next().await? {
        size += row.raw_size_bytes();
        if size > MAX_BYTES && !read.clusters.is_empty() {
            read.is_cut = true;
            break;
        }
        read.clusters.push(cluster(&row)?);
    }
    Ok(read)
}
