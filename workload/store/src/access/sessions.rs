//! People who signed in, and their sessions. The content of a session arrives here encrypted; only the person's cookie
//! holds the key.

use std::net::IpAddr;
use std::time::Duration;

use fleet::{CredentialId, Origin};
use futures_util::future::BoxFuture;
use tokio_postgres::{Row, Transaction};

use super::credentials::notify_end;
use crate::database::connection::Connection;
use crate::events::{SecurityEvent, record_security};
use crate::{Store, StoreError};

/// Held while pruning. A unit that cannot get it leaves the work to the unit that holds it.
const PRUNE_LOCK: i64 = 0x636d_7365_7373_696f;

/// The longest description of a browser that is kept, in characters.
const MAX_USER_AGENT_CHARS: usize = 255;

/// The key of a session's row: a digest, so that nobody can forge a cookie from the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 32]);

/// A person who signed in, as the identity provider describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their permanent id.
    pub subject: String,
    /// Their name; may be empty.
    pub name: String,
    /// Their e-mail address; may be empty.
    pub email: String,
}

/// A stored session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its key.
    pub id: SessionId,
    /// The person who signed in.
    pub person: Person,
    /// Its content, encrypted with the key in the cookie.
    pub sealed: Vec<u8>,
}

/// A session to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Its key.
    pub id: SessionId,
    /// The person who signed in.
    pub person: &'a Person,
    /// Its content, encrypted with the key in the cookie.
    pub sealed: &'a [u8],
    /// How long it lasts at most.
    pub lifetime: Duration,
    /// How the browser describes itself. It is cut to 255 characters.
    pub user_agent: Option<&'a str>,
}

/// When sessions expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// The longest time without a request.
    pub idle: Duration,
    /// The longest time since the sign-in.
    pub lifetime: Duration,
}

/// What to do with a locked session.
#[derive(Debug)]
pub enum SessionUpdate {
    /// Keep it unchanged.
    Keep,
    /// Replace its person and content.
    Replace {
        /// The person, as the identity provider describes them now.
        person: Person,
        /// Its content, encrypted with the key in the cookie.
        sealed: Vec<u8>,
    },
    /// End it.
    End,
}

const COLUMNS: &str =
    "s.id, s.subject, coalesce(i.name, '') AS name, coalesce(i.email, '') AS email, s.sealed";
const IS_LIVE: &str = "s.expires_at > now() AND s.last_seen_at > now() - make_interval(secs => $2)";

impl SessionLimits {
    /// The age in seconds at which the time of the last request is updated: at most once a minute.
    fn touch_after(&self) -> f64 {
        (self.idle.as_secs_f64() / 4.0).min(60.0)
    }
}

impl Store {
    /// Starts a session and stores the person, ends the browser's previous session, and records the sign-in: all or
    /// nothing.
    pub async fn sign_in(
        &self,
        origin: &Origin,
        session: NewSession<'_>,
        previous: Option<SessionId>,
    ) -> Result<(), StoreError> {
        self.transaction("sign_in", |tx| {
            Box::pin(async move {
                insert(&tx, session, origin.address).await?;
                if let Some(previous) = previous {
                    delete(&tx, previous).await?;
                }
                record_security(&tx, origin, &SecurityEvent::SignedIn, 1).await
            })
        })
        .await
    }

    /// Ends a session and records the sign-out, both or neither. Returns whether the session existed.
    pub async fn sign_out(&self, origin: &Origin, id: SessionId) -> Result<bool, StoreError> {
        self.transaction("sign_out", |tx| {
            Box::pin(async move {
                let is_ended = delete(&tx, id).await?;
                if is_ended {
                    record_security(&tx, origin, &SecurityEvent::SignedOut, 1).await?;
                }
                Ok(is_ended)
            })
        })
        .await
    }

    /// Finds a session that has not expired, and updates the time of its last request.
    pub async fn session(&self, id: SessionId, limits: SessionLimits) -> Result<Option<Session>, StoreError> {
        let client = self.client().await?;
        let sql = format!(
            "-- session()
            SELECT {COLUMNS}, s.last_seen_at < now() - make_interval(secs => $3) AS is_due
            FROM sessions AS s JOIN identities AS i USING (subject) WHERE s.id = $1 AND {IS_LIVE}"
        );
        let statement = client.prepare_cached(&sql).await?;
        let key = id.0.as_slice();
        let (idle, touch_after) = (limits.idle.as_secs_f64(), limits.touch_after());
        let found = client.query_opt(&statement, &[&key, &idle, &touch_after]).await?;
        let Some(row) = found else { return Ok(None) };
        if row.try_get("is_due")? {
            // Of concurrent requests only the first updates it: then the others' condition no longer holds.
            let sql = "-- session()
                WITH seen AS (
                    UPDATE sessions SET last_seen_at = now()
                    WHERE id = $1 AND last_seen_at < now() - make_interval(secs => $2) RETURNING subject
                )
                UPDATE identities SET last_seen = now() FROM seen WHERE identities.subject = seen.subject";
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, &[&key, &touch_after]).await?;
        }
        session(&row).map(Some)
    }

    /// Locks a session, calls `decide` with it and applies the update that it returns. Returns the session afterwards.
    /// The lock is held on all units: a caller that waited for it sees the session as the previous caller left it.
    ///
    /// `decide` is called at most once. It must end well before [`crate::database::STATEMENT_TIMEOUT`], because a
    /// connection and the lock are held while it runs.
    pub async fn update_session<F>(
        &self,
        id: SessionId,
        limits: SessionLimits,
        decide: F,
    ) -> Result<Option<Session>, StoreError>
    where
        F: FnOnce(Session) -> BoxFuture<'static, SessionUpdate>,
    {
        let mut client = self.client().await?;
        let outcome = Self::update_locked_session(&mut client, id, limits, decide).await;
        client.noting(outcome)
    }

    async fn update_locked_session<F>(
        client: &mut Connection,
        id: SessionId,
        limits: SessionLimits,
        decide: F,
    ) -> Result<Option<Session>, StoreError>
    where
        F: FnOnce(Session) -> BoxFuture<'static, SessionUpdate>,
    {
        let tx = client.transaction().await?;
        let sql = format!(
            "-- update_session()
            SELECT {COLUMNS} FROM sessions AS s JOIN identities AS i USING (subject)
            WHERE s.id = $1 AND {IS_LIVE} FOR UPDATE OF s"
        );
        let key = id.0.as_slice();
        let Some(row) = tx.query_opt(&sql, &[&key, &limits.idle.as_secs_f64()]).await? else {
            return Ok(None);
        };
        let found = session(&row)?;
        let kept = match decide(found.clone()).await {
            SessionUpdate::Keep => return Ok(Some(found)),
            SessionUpdate::Replace { person, sealed } => {
                upsert_person(&tx, &person).await?;
                let sql = "-- update_session()\nUPDATE sessions SET sealed = $2, last_seen_at = now() WHERE id = $1";
                tx.execute(sql, &[&key, &sealed]).await?;
                Some(Session { person, sealed, ..found })
            }
            SessionUpdate::End => {
                delete(&tx, id).await?;
                None
            }
        };
        tx.commit().await?;
        Ok(kept)
    }

    /// One round: removes the expired sessions and returns how many they were. Does nothing while another unit does it.
    pub async fn prune_sessions(&self, limits: SessionLimits) -> Result<u64, StoreError> {
        let idle = limits.idle.as_secs_f64();
        self.transaction("prune_sessions", |tx| {
            Box::pin(async move {
                let lock = "-- prune_sessions()\nSELECT pg_try_advisory_xact_lock($1) AS is_locked";
                if !tx.query_one(lock, &[&PRUNE_LOCK]).await?.try_get("is_locked")? {
                    return Ok(0);
                }
                let sql = "-- prune_sessions()
                    DELETE FROM sessions
                    WHERE expires_at <= now() OR last_seen_at <= now() - make_interval(secs => $1)";
                Ok(tx.execute(sql, &[&idle]).await?)
            })
        })
        .await
    }
}

/// Sessions without events, for tests in which nobody signs in or out.
#[cfg(feature = "testing")]
impl Store {
    /// Starts a session that lasts for `lifetime`, and stores the person.
    pub async fn begin_session(
        &self,
        id: SessionId,
        person: &Person,
        sealed: &[u8],
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let session = NewSession { id, person, sealed, lifetime, user_agent: None };
        self.transaction("begin_session", |tx| Box::pin(async move { insert(&tx, session, None).await }))
            .await
    }

    /// Ends a session. Returns whether it existed.
    pub async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        self.transaction("end_session", |tx| Box::pin(async move { delete(&tx, id).await })).await
    }
}

async fn insert(
    tx: &Transaction<'_>,
    session: NewSession<'_>,
    address: Option<IpAddr>,
) -> Result<(), StoreError> {
    let NewSession { id, person, sealed, lifetime, user_agent } = session;
    upsert_person(tx, person).await?;
    let sql = "-- insert_session()
        INSERT INTO sessions (id, subject, sealed, expires_at, address, user_agent)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5, $6)";
    let (id, lifetime) = (id.0.as_slice(), lifetime.as_secs_f64());
    let user_agent = user_agent.map(shown);
    tx.execute(sql, &[&id, &person.subject, &sealed, &lifetime, &address, &user_agent]).await?;
    Ok(())
}

/// A text from a browser as a list shows it: short, and without control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS).collect()
}

/// Removes a session and tells every unit. Returns whether the session existed.
pub(super) async fn delete(tx: &Transaction<'_>, id: SessionId) -> Result<bool, StoreError> {
    let sql = "-- delete_session()\nDELETE FROM sessions WHERE id = $1";
    if tx.execute(sql, &[&id.0.as_slice()]).await? == 0 {
        return Ok(false);
    }
    notify_end(tx, CredentialId(id.0)).await?;
    Ok(true)
}

/// Sets every column, because those of a database that was taken over may have no defaults.
async fn upsert_person(tx: &Transaction<'_>, person: &Person) -> Result<(), StoreError> {
    let sql = "-- upsert_person()
        INSERT INTO identities (subject, name, email, display_name, created_at, last_seen, updated_at)
        VALUES ($1, $2, $3, $2, now(), now(), now())
        ON CONFLICT (subject) DO UPDATE SET name = excluded.name, email = excluded.email,
            display_name = excluded.display_name, last_seen = now(), updated_at = now()";
    tx.execute(sql, &[&person.subject, &person.name, &person.email]).await?;
    Ok(())
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let person =
        Person { subject: row.try_get("subject")?, name: row.try_get("name")?, email: row.try_get("email")? };
    Ok(Session { id: session_id(row)?, person, sealed: row.try_get("sealed")? })
}

pub(super) fn session_id(row: &Row) -> Result<SessionId, StoreError> {
    let id: &[u8] = row.try_get("id")?;
    let id = <[u8; 32]>::try_from(id).map_err(|error| StoreError::corrupt("sessions", "id", error))?;
    Ok(SessionId(id))
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use fleet::{Actor, ActorKind};

    use super::*;
    use crate::testing::{empty_database, execute, store, texts};

    #[tokio::test]
    async fn sign_in_and_sign_out_fail_if_they_cannot_be_recorded() {
        let options = empty_database().await.unwrap();
        let store = store(&options);
        store.migrate().await.unwrap();
        let actor = Actor { kind: ActorKind::Person, id: "somebody".to_owned(), name: "Name".to_owned() };
        let origin = Origin { actor, address: None, request_id: None };
        let person = Person { subject: "somebody".to_owned(), name: "Name".to_owned(), email: String::new() };
        let session = |id| NewSession {
            id: SessionId([id; 32]),
            person: &person,
            sealed: b"sealed",
            lifetime: Duration::from_secs(60),
            user_agent: None,
        };
        let sessions = "SELECT encode(substring(id FOR 1), 'hex') FROM sessions ORDER BY id";
        store.sign_in(&origin, session(1), None).await.unwrap();
        store.sign_in(&origin, session(2), Some(SessionId([1; 32]))).await.unwrap();
        assert_eq!(texts(&options, sessions).await.unwrap(), ["02"]);
        assert!(store.sign_out(&origin, SessionId([2; 32])).await.unwrap());
        assert!(!store.sign_out(&origin, SessionId([2; 32])).await.unwrap(), "the session has already ended");
        let actions = "SELECT action FROM events ORDER BY id";
        assert_eq!(
            texts(&options, actions).await.unwrap(),
            ["sign-in.succeeded", "sign-in.succeeded", "sign-out.done"]
        );

        // Without the table of events nothing changes.
        store.sign_in(&origin, session(3), None).await.unwrap();
        execute(&options, "ALTER TABLE events RENAME TO elsewhere").await.unwrap();
        assert!(store.sign_in(&origin, session(4), Some(SessionId([3; 32]))).await.is_err());
        assert!(store.sign_out(&origin, SessionId([3; 32])).await.is_err());
        assert_eq!(texts(&options, sessions).await.unwrap(), ["03"]);
    }
}
