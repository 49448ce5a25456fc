//! Reading the audit trail, newest event first.

use fleet::event::{Event, EventFilter, EventPage, MAX_COUNTED_EVENTS};
use fleet::{Actor, ActorKind, ClusterUid};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Store, StoreError};

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
            SELECT count(*) AS total FROM (SELECT FROM events WHERE {MATCHES} LIMIT {MAX_COUNTED_EVENTS}) AS matching"
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
