//! The fleet as people ask for it: a page of the list, filtered and sorted; names that a filter fits; what it all
//! adds up to. Which clusters those are is decided over `crate::fleet_index`; the wide rows are read for the
//! clusters of the page alone.

mod cursor;

use std::sync::Arc;

use fleet::query::{self, ClusterFilter, ClusterQuery};
use fleet::standing::Judge;
use fleet::{Cluster, FleetTotals, HealthRules, ServiceClock, Standing};
use protocol::ClusterName;

use crate::clusters::{COLUMNS, TABLES, cluster};
use crate::{Store, StoreError};

use cursor::Direction;

/// A page of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterPage {
    /// The clock by which the page was filtered and sorted, and by which its clusters are to be judged.
    pub clock: ServiceClock,
    /// The clusters, in order.
    pub clusters: Vec<Cluster>,
    /// What to ask for to be given the next page; none: this was the last.
    pub next_cursor: Option<String>,
    /// How many clusters the filter fits, on all pages together.
    pub total: u64,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The cursor was not made by us for this sorting and this filter.
    #[error("the cursor is not one of this list")]
    InvalidCursor,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// A page of the list.
    ///
    /// The next page begins behind the last cluster of this one, by what the list is sorted by and then by name, not
    /// at a number. So clusters that come, go or move elsewhere in between shift nothing: a cluster that stays where
    /// it is in the order is shown exactly once. One that itself moves over the end of a page, because its health
    /// changed say, is shown twice or not at all; nothing short of keeping a copy of the list could help that.
    pub async fn cluster_page(
        &self,
        query: &ClusterQuery,
        rules: &HealthRules,
    ) -> Result<ClusterPage, PageError> {
        let list = Direction { sort: query.sort, order: query.order, filter: &query.filter };
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

    /// The names of the clusters that the filter fits, sorted by their bytes, at most so many.
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
        Ok(found.into_iter().take(max).map(|cluster: &Standing| cluster.name.clone()).collect())
    }

    /// What the fleet adds up to now, and the clock by which it was judged.
    pub async fn fleet_totals(&self, rules: &HealthRules) -> Result<(ServiceClock, FleetTotals), StoreError> {
        let fleet = self.fleet().await?;
        let judge = Judge::new(rules, &fleet.clock);
        Ok((fleet.clock, FleetTotals::of(fleet.clusters.iter().map(AsRef::as_ref), &judge)))
    }

    /// How every cluster stands, sorted by number, and the clock to judge them by.
    pub async fn standings(&self) -> Result<(ServiceClock, Arc<Vec<Arc<Standing>>>), StoreError> {
        let fleet = self.fleet().await?;
        Ok((fleet.clock, fleet.clusters))
    }

    /// Clusters in the order of their names' bytes, beginning behind a name, at most so many: the whole list, a piece
    /// at a time. Between pieces nothing is held, neither a connection nor a snapshot, however slowly they are read.
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

    /// The clusters with these numbers, in their order; without those that are gone meanwhile.
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
