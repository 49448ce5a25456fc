//! Reading the audit trail, newest event first.

use std::net::IpAddr;

use fleet::{Actor, ActorKind, ClusterUid};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Store, StoreError};

/// The highest number of matching events that is counted.
pub const MAX_TOTAL: u64 = 10_000;

/// An event of the audit trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id, which never changes.
    pub id: i64,
    /// When it was recorded, by the database's clock.
    pub at: OffsetDateTime,
    /// The kind of event, such as `cluster.configured`.
    pub action: String,
    /// Who caused it.
    pub actor: Actor,
    /// The UID of the cluster concerned.
    pub cluster_uid: Option<ClusterUid>,
    /// The name of the cluster concerned, which may not be enrolled yet.
    pub cluster_name: Option<String>,
    /// Anything else concerned, such as the name of a service account.
    pub subject: Option<String>,
    /// The state before.
    pub before: Option<serde_json::Value>,
    /// The state after.
    pub after: Option<serde_json::Value>,
    /// The address that the request came from.
    pub address: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// How often it happened.
    pub count: i64,
    /// Whether it is sealed into the chain.
    pub is_sealed: bool,
}

/// Which events to list. An empty filter matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The cluster's name, or its uid.
    pub cluster: Option<String>,
    /// The actor's id or name.
    pub actor: Option<String>,
    /// The action, or the first word of it: `cluster` matches `cluster.joined`.
    pub action: Option<String>,
    /// Recorded at or after this time.
    pub since: Option<OffsetDateTime>,
    /// Recorded before this time.
    pub until: Option<OffsetDateTime>,
    /// Text that one of the event's texts contains, ignoring case.
    pub search: Option<String>,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The events, newest first.
    pub events: Vec<Event>,
    /// Whether there are older matching events.
    pub has_more: bool,
    /// The number of matching events, at most [`MAX_TOTAL`], which means that many or more.
    pub total: u64,
}

const MATCHES: &str = "($1::text IS NULL OR cluster_name = $1 OR cluster_uid = $2::uuid)
    AND ($3::text IS NULL OR actor_id = $3 OR actor_name = $3)
    AND ($4::text IS NULL OR action = $4 OR starts_with(action, $4 || '.'))
    AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
    AND ($7::text IS NULL OR strpos(lower(concat_ws(' ', action, actor_id, actor_name, cluster_name, subject,
        before::text, after::text, host(address), request_id)), lower($7)) > 0)";

impl Store {
    /// The newest matching events, at most `limit`, with ids below `before` if it is given.
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
                address, request_id, count, sequence IS NOT NULL AS is_sealed
            FROM events WHERE {MATCHES} AND ($8::bigint IS NULL OR id < $8) ORDER BY id DESC LIMIT $9"
        );
        // One more than the limit, to know whether there are more.
        let wanted = i64::from(limit) + 1;
        let parameters: Vec<_> =
            matching.into_iter().chain([&before as &(dyn ToSql + Sync), &wanted]).collect();
        let rows = client.query(&sql, &parameters).await?;
        let has_more = rows.len() > usize::from(limit);
        let events = rows.iter().take(usize::from(limit)).map(event).collect::<Result<_, _>>()?;
        let sql = format!(
            "-- events()
            SELECT count(*) AS total FROM (SELECT FROM events WHERE {MATCHES} LIMIT {MAX_TOTAL}) AS matching"
        );
        let total: i64 = client.query_one(&sql, &matching).await?.try_get("total")?;
        Ok(EventPage { events, has_more, total: total.unsigned_abs() })
    }
}

fn event(row: &Row) -> Result<Event, StoreError> {
    // A kind may have been added by a newer program.
    let kind = ActorKind::from_word(row.try_get("actor_kind")?).unwrap_or(ActorKind::Unknown);
    Ok(Event {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        action: row.try_get("action")?,
        actor: Actor { kind, id: row.try_get("actor_id")?, name: row.try_get("actor_name")? },
        cluster_uid: row.try_get::<_, Option<Uuid>>("cluster_uid")?.map(ClusterUid),
        cluster_name: row.try_get("cluster_name")?,
        subject: row.try_get("subject")?,
        before: row.try_get("before")?,
        after: row.try_get("after")?,
        address: row.try_get("address")?,
        request_id: row.try_get("request_id")?,
        count: row.try_get("count")?,
        is_sealed: row.try_get("is_sealed")?,
    })
}
