//! The list of clusters as people ask for it: filtered, sorted, a page at a time, all of it by the database.
//!
//! Filters and keys of sorting stand on narrow columns alone (see 0005_fleet_query.sql); the wide rows are read for
//! the clusters of the page. They are scanned, not found through indexes: the columns change with every heartbeat,
//! and an index on them would make each of those dearer.

mod cursor;
mod sql;

use fleet::query::{ClusterFilter, ClusterQuery, Order, SortBy};
use fleet::{Cluster, HealthRules, ServiceClock};
use futures_util::future::try_join;
use protocol::ClusterName;
use tokio_postgres::types::Type;

use crate::clusters::{COLUMNS, TABLES, cluster};
use crate::{Store, StoreError};

use cursor::{Cursor, Direction};
pub(crate) use sql::Statement;

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
        let direction = Direction { sort: query.sort, order: query.order, filter: &query.filter };
        let after = match &query.cursor {
            Some(text) => {
                Some(Cursor::open(&self.crypter, text, &direction).ok_or(PageError::InvalidCursor)?)
            }
            None => None,
        };
        let clock = self.service_clock().await?;
        let client = self.client().await?;
        let wanted = usize::from(query.limit);
        let page = page(query, after.as_ref(), rules, &clock, wanted + 1);
        let count = count(&query.filter, rules, &clock);
        let (rows, total) = if is_counted(query) {
            let rows = page.query(&client).await?;
            let total = match rows.first() {
                Some(row) => vec![row.clone()],
                // Nothing fits, or nothing that does is behind the cursor any more.
                None => count.query(&client).await?,
            };
            (rows, total)
        } else {
            // Both are on their way at once, on one connection.
            try_join(page.query(&client), count.query(&client)).await?
        };
        let total: i64 = total.first().map_or(Ok(0), |row| row.try_get("total")).map_err(StoreError::from)?;
        let has_more = rows.len() > wanted;
        let rows = &rows[..rows.len().min(wanted)];
        let clusters = rows.iter().map(cluster).collect::<Result<Vec<_>, _>>()?;
        let next_cursor = match rows.last().zip(clusters.last()) {
            Some((row, last)) if has_more => {
                let key = row.try_get("sort_key").map_err(StoreError::from)?;
                let cursor = Cursor { key, name: last.name.to_string() };
                Some(cursor.seal(&self.crypter, &direction)?)
            }
            _ => None,
        };
        Ok(ClusterPage { clock, clusters, next_cursor, total: total.unsigned_abs() })
    }

    /// The names of the clusters that the filter fits, sorted by their bytes, at most so many.
    pub async fn cluster_names_matching(
        &self,
        filter: &ClusterFilter,
        rules: &HealthRules,
        max: usize,
    ) -> Result<Vec<ClusterName>, StoreError> {
        let clock = self.service_clock().await?;
        let mut statement = Statement::new("cluster_names_matching", rules, &clock);
        statement.push("SELECT c.name FROM ").push_tables(true).push(" WHERE ").push_filter(filter);
        statement.push(" ORDER BY c.name COLLATE \"C\" LIMIT ");
        statement.bind(i64::try_from(max).unwrap_or(i64::MAX), Type::INT8);
        let rows = statement.query(&self.client().await?).await?;
        rows.iter().map(|row| Ok(ClusterName::from_stored(row.try_get(0)?))).collect()
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
}

/// Whether the page's own statement counts. What a filter fits is found once and kept for both; all clusters are
/// sooner counted apart than kept.
fn is_counted(query: &ClusterQuery) -> bool {
    query.filter != ClusterFilter::default()
}

/// The clusters of a page, with what they were sorted by as text.
fn page<'a>(
    query: &'a ClusterQuery,
    after: Option<&'a Cursor>,
    rules: &HealthRules,
    clock: &ServiceClock,
    max: usize,
) -> Statement {
    let key = sql::key(query.sort);
    let direction = match query.order {
        Order::Asc => "ASC",
        Order::Desc => "DESC",
    };
    // Equals follow by name from the beginning of the alphabet, whichever way the list is sorted; unless it is by
    // name itself.
    let names = if query.sort == SortBy::Name { direction } else { "ASC" };
    let mut statement = Statement::new("cluster_page", rules, clock);
    let (kept, total) = if is_counted(query) {
        ("MATERIALIZED", "(SELECT count(*) FROM candidate) AS total, ")
    } else {
        ("NOT MATERIALIZED", "")
    };
    statement.push("WITH candidate AS ").push(kept).push(" (SELECT l.remote_cluster_id AS id, c.name, ");
    statement.push_key(query.sort).push(" AS key FROM ").push_tables(true);
    statement.push(" WHERE ").push_filter(&query.filter);
    statement.push("), page AS MATERIALIZED (SELECT id, key, name FROM candidate");
    if let Some(Cursor { key: last, name }) = after {
        let beyond = if query.order == Order::Asc { ">" } else { "<" };
        statement.push(" WHERE key ").push(beyond).push(" ");
        statement.bind(last.clone(), Type::TEXT).push(key.cast);
        statement.push(" OR key = ").bind(last.clone(), Type::TEXT).push(key.cast);
        statement.push(" AND name COLLATE \"C\" ").push(if names == "ASC" { "> " } else { "< " });
        statement.bind(name.clone(), Type::TEXT);
    }
    let order = format!(" ORDER BY page.key {direction}, page.name COLLATE \"C\" {names}");
    statement.push(&order.replace("page.", "")).push(&format!(" LIMIT {max})"));
    statement.push(&format!(
        " SELECT {total}page.key::text AS sort_key, {COLUMNS} FROM page JOIN {TABLES} ON c.id = page.id{order}"
    ));
    statement
}

fn count(filter: &ClusterFilter, rules: &HealthRules, clock: &ServiceClock) -> Statement {
    let mut statement = Statement::new("cluster_page", rules, clock);
    statement.push("SELECT count(*) AS total FROM ").push_tables(sql::needs_cluster(filter));
    statement.push(" WHERE ").push_filter(filter);
    statement
}
