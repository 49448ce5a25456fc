//! The sessions as people see them: whose, since when, from where. The content of a session is not read.

use fleet::session::{PersonSession, SessionPage, SessionPosition};
use fleet::{CredentialId, Origin};
use serde_json::json;
use tokio_postgres::Row;
use uuid::Uuid;

use super::sessions::{SessionId, SessionLimits, delete, session_id};
use crate::events::{self, NewEvent};
use crate::{Store, StoreError};

/// Which sessions to list.
#[derive(Debug, Clone, Copy)]
pub struct SessionSelection<'a> {
    /// Only this person's, by their subject; `None`: everybody's.
    pub subject: Option<&'a str>,
    /// Where the previous page ended.
    pub after: Option<SessionPosition>,
    /// The largest number of sessions to return.
    pub limit: u16,
}

const COLUMNS: &str = "s.id, s.public_id, s.subject, coalesce(i.name, '') AS name, coalesce(i.email, '') AS email,
    s.created_at, s.last_seen_at, least(s.expires_at, s.last_seen_at + make_interval(secs => $1)) AS expires_at,
    s.address, s.user_agent";
const IS_LISTED: &str = "s.expires_at > now() AND s.last_seen_at > now() - make_interval(secs => $1)
    AND ($2::text IS NULL OR s.subject = $2)";

impl Store {
    /// The sessions that have not ended.
    pub async fn sessions(
        &self,
        limits: SessionLimits,
        selection: SessionSelection<'_>,
    ) -> Result<SessionPage, StoreError> {
        let SessionSelection { subject, after, limit } = selection;
        let idle = limits.idle.as_secs_f64();
        let client = self.client().await?;
        let count = format!("-- sessions()\nSELECT count(*) FROM sessions AS s WHERE {IS_LISTED}");
        let total: i64 = client.query_one(&count, &[&idle, &subject]).await?.try_get(0)?;
        let sql = format!(
            "-- sessions()
            SELECT {COLUMNS} FROM sessions AS s JOIN identities AS i USING (subject)
            WHERE {IS_LISTED} AND ($3::timestamptz IS NULL OR (s.created_at, s.public_id) < ($3, $4))
            ORDER BY s.created_at DESC, s.public_id DESC LIMIT $5"
        );
        let (since, id) = after.map(|after| (after.created_at, after.id)).unzip();
        let rows = client.query(&sql, &[&idle, &subject, &since, &id, &(i64::from(limit) + 1)]).await?;
        let mut sessions = rows.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
        let has_more = sessions.len() > usize::from(limit);
        sessions.truncate(limit.into());
        let next = sessions.last().filter(|_| has_more);
        let next = next.map(|last| SessionPosition { created_at: last.created_at, id: last.id });
        Ok(SessionPage { sessions, next, total: total.unsigned_abs() })
    }

    /// Ends a session on all units and records that, both or neither. `subject`: only if it is this person's. Returns whether
    /// there was one.
    pub async fn end_listed_session(
        &self,
        id: Uuid,
        subject: Option<&str>,
        limits: SessionLimits,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        self.transaction("end_listed_session", |tx| {
            Box::pin(async move {
                let sql = format!(
                    "-- end_listed_session()
                    SELECT {COLUMNS} FROM sessions AS s JOIN identities AS i USING (subject)
                    WHERE {IS_LISTED} AND s.public_id = $3 FOR UPDATE OF s"
                );
                let idle = limits.idle.as_secs_f64();
                let Some(row) = tx.query_opt(&sql, &[&idle, &subject, &id]).await? else { return Ok(false) };
                let ended = listed(&row)?;
                delete(&tx, SessionId(ended.credential.0)).await?;
                let event = NewEvent {
                    action: "session.ended",
                    subject: Some(&ended.name),
                    before: Some(state(&ended)),
                    ..NewEvent::default()
                };
                events::record(&tx, origin, event).await?;
                Ok(true)
            })
        })
        .await
    }
}

fn listed(row: &Row) -> Result<PersonSession, StoreError> {
    Ok(PersonSession {
        id: row.try_get("public_id")?,
        credential: CredentialId(session_id(row)?.0),
        subject: row.try_get("subject")?,
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        created_at: row.try_get("created_at")?,
        last_used_at: row.try_get("last_seen_at")?,
        expires_at: row.try_get("expires_at")?,
        address: row.try_get("address")?,
        user_agent: row.try_get("user_agent")?,
    })
}

/// A session as events show it.
fn state(session: &PersonSession) -> serde_json::Value {
    let address = session.address.map(|address| address.to_string());
    json!({ "id": session.id.to_string(), "person": session.subject, "address": address })
}
