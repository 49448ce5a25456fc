//! Queries over the fleet: pages of the list, filtered and sorted; names that match a filter; totals.
//!
//! The fleet index decides which clusters they return; wide rows are read only for the clusters of a page.

mod cursor;

use std::sync::Arc;

use fleet::Judge;
use fleet::query::{self, ClusterFilter, ClusterQuery};
use fleet::{Cluster, ClusterState, FleetTotals, HealthRules, ServiceClock};
use protocol::ClusterName;

use crate::clusters::cluster::{COLUMNS, TABLES, cluster};
use crate::{Store, StoreError};

use cursor::CursorList;

/// A page of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterPage {
    /// The clock by which the page was filtered and sorted, and by which to judge the health of its clusters.
    pub clock: ServiceClock,
    /// The clusters, in order.
    pub clusters: Vec<Cluster>,
    /// The cursor of the next page, or `None` on the last page.
    pub next_cursor: Option<String>,
    /// The number of clusters that match the filter, on all pages.
    pub total: u64,
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
        let (ids, next_cursor, total) = {
            let judge = Judge::new(rules, &fleet.clock);
            let selection =
                query::select(fleet.clusters.iter().map(AsRef::as_ref), query, after.as_ref(), &judge);
            let end = selection.end.as_ref();
            let next_cursor = end.map(|end| cursor::seal(&self.crypter, end, &list)).transpose()?;
            let ids: Vec<i32> = selection.page.iter().map(|cluster| cluster.id.0).collect();
            (ids, next_cursor, selection.total)
        };
        let clusters = self.clusters_in_order(&ids).await?;
        Ok(ClusterPage { clock: fleet.clock, clusters, next_cursor, total })
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

    /// The clusters after a name, in the order of their names' bytes, at most `max`: for reading the whole list in
    /// parts. No connection and no snapshot is held between the parts, however slowly they are read.
    pub async fn clusters_after(&self, name: &str, max: u16) -> Result<Vec<Cluster>, StoreError> {
        let sql = format!(
            "-- clusters_after()
            WITH page AS MATERIALIZED (
                SELECT id FROM remote_clusters WHERE name COLLATE \"C\" > $1 ORDER BY name COLLATE \"C\" LIMIT {max})
            SELECT {COLUMNS} FROM page JOIN {TABLES} ON c.id = page.id ORDER BY c.name COLLATE \"C\""
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await?;
        client.query(&statement, &[&name]).await?.iter().map(cluster).collect()
    }

    /// The clusters with these ids, in this order, without those that were removed in the meantime.
    async fn clusters_in_order(&self, ids: &[i32]) -> Result<Vec<Cluster>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "-- clusters_in_order()
            SELECT {COLUMNS} FROM unnest($1::integer[]) WITH ORDINALITY AS page (id, place)
                JOIN {TABLES} ON c.id = page.id ORDER BY page.place"
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await?;
        client.query(&statement, &[&ids]).await?.iter().map(cluster).collect()
    }
}
