//! Reading the audit trail, newest first.

use std::net::IpAddr;

use fleet::{Actor, ActorKind, ClusterUid};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Store, StoreError};

/// Matching rows are counted up to here.
pub const COUNTED_AT_MOST: u64 = 10_000;

/// A row of the audit trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number, which never changes.
    pub id: i64,
    /// When it was written, by the database's clock.
    pub at: OffsetDateTime,
    /// What was done, such as `cluster.configured`.
    pub action: String,
    /// Who did it.
    pub actor: Actor,
    /// To which cluster.
    pub cluster_uid: Option<ClusterUid>,
    /// What that cluster was called, or is to be called.
    pub cluster_name: Option<String>,
    /// To what else.
    pub subject: Option<String>,
    /// What stood there before.
    pub before: Option<serde_json::Value>,
    /// What stood there afterwards.
    pub after: Option<serde_json::Value>,
    /// From which address.
    pub address: Option<IpAddr>,
    /// In which request.
    pub request_id: Option<String>,
    /// How often.
    pub count: i64,
    /// Whether it is part of the chain of seals.
    pub is_sealed: bool,
}

/// Which rows are asked for. What is not said matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The cluster's name, or its uid.
    pub cluster: Option<String>,
    /// The actor's id or name.
    pub actor: Option<String>,
    /// The action, or the first word of it: `cluster` matches `cluster.joined`.
    pub action: Option<String>,
    /// Not before this moment.
    pub since: Option<OffsetDateTime>,
    /// Before this moment.
    pub until: Option<OffsetDateTime>,
    /// A text that any of the row's texts contains, whichever case.
    pub search: Option<String>,
}

/// Some of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The rows, newest first.
    pub events: Vec<Event>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// How many match in all; never more than [`COUNTED_AT_MOST`], which stands for that many or more.
    pub total: u64,
}

const MATCHES: &str = "($1::text IS NULL OR cluster_name = $1 OR cluster_uid = $2::uuid)
    AND ($3::text IS NULL OR actor_id = $3 OR actor_name = $3)
    AND ($4::text IS NULL OR action = $4 OR starts_with(action, $4 || '.'))
    AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
    AND ($7::text IS NULL OR strpos(lower(concat_ws(' ', action, actor_id, actor_name, cluster_name, subject,
        before::text, after::text, host(address), request_id)), lower($7)) > 0)";

impl Store {
    /// The newest rows that match, those before a given id if one is given.
    pub async fn events(
        &self,
        filter: &EventFilter,
        before: Option<i64>,
        limit: u16,
    ) -> Result<EventPage, StoreError> {
        let EventFilter { cluster, actor, action, since, until, search } = filter;
        let uid = cluster.as_ref().and_then(|text| Uuid::parse_str(text).ok());
        let matching: [&(dyn ToSql + Sync); 7] = [cluster, &uid, actor, action, since, until, search];
        let client = self.client().await?;
        let sql = format!(
            "-- events()
            SELECT id, at, action, actor_kind, actor_id, actor_name, cluster_uid, cluster_name, subject, before, after,
                address, request_id, count, sequence IS NOT NULL
            FROM events WHERE {MATCHES} AND ($8::bigint IS NULL OR id < $8) ORDER BY id DESC LIMIT $9"
        );
        // One more than asked for says whether there are more.
        let wanted = i64::from(limit) + 1;
        let parameters: Vec<_> =
            matching.into_iter().chain([&before as &(dyn ToSql + Sync), &wanted]).collect();
        let rows = client.query(&sql, &parameters).await?;
        let has_more = rows.len() > usize::from(limit);
        let events = rows.iter().take(usize::from(limit)).map(event).collect::<Result<_, _>>()?;
        let sql = format!(
            "-- events()
            SELECT count(*) FROM (SELECT FROM events WHERE {MATCHES} LIMIT {COUNTED_AT_MOST}) AS matching"
        );
        let total: i64 = client.query_one(&sql, &matching).await?.try_get(0)?;
        Ok(EventPage { events, has_more, total: total.unsigned_abs() })
    }
}

fn event(row: &Row) -> Result<Event, StoreError> {
    // A kind that a newer program added is nobody that we know.
    let kind = ActorKind::from_word(row.try_get(3)?).unwrap_or(ActorKind::Unknown);
    Ok(Event {
        id: row.try_get(0)?,
        at: row.try_get(1)?,
        action: row.try_get(2)?,
        actor: Actor { kind, id: row.try_get(4)?, name: row.try_get(5)? },
        cluster_uid: row.try_get::<_, Option<Uuid>>(6)?.map(ClusterUid),
        cluster_name: row.try_get(7)?,
        subject: row.try_get(8)?,
        before: row.try_get(9)?,
        after: row.try_get(10)?,
        address: row.try_get(11)?,
        request_id: row.try_get(12)?,
        count: row.try_get(13)?,
        is_sealed: row.try_get(14)?,
    })
}
