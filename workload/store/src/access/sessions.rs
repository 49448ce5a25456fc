//! People who signed in, and their sessions. What a session holds is sealed before it comes here: the key is in the
//! person's cookie alone.

use std::time::Duration;

use fleet::Origin;
use futures_util::future::BoxFuture;
use tokio_postgres::{Row, Transaction};

use crate::events::{SecurityEvent, record_security};
use crate::{Store, StoreError};

/// Held while one unit prunes; the others need not.
const PRUNE_LOCK: i64 = 0x636d_7365_7373_696f;

/// What finds a session's row: a digest, so that who reads the table cannot make a cookie of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 32]);

/// Who signed in, as the identity provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What never changes of them.
    pub subject: String,
    /// What they are called; may be empty.
    pub name: String,
    /// Their address; may be empty.
    pub email: String,
}

/// A session as it is stored.
#[derive(Debug, Clone)]
pub struct Session {
    /// What finds it.
    pub id: SessionId,
    /// Whose it is.
    pub person: Person,
    /// What only the cookie opens.
    pub sealed: Vec<u8>,
}

/// A session that begins.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// What finds it.
    pub id: SessionId,
    /// Whose it is.
    pub person: &'a Person,
    /// What only the cookie opens.
    pub sealed: &'a [u8],
    /// After how long it ends in any case.
    pub lifetime: Duration,
}

/// When sessions end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// After this much time without a request.
    pub idle: Duration,
    /// After this much time in any case.
    pub lifetime: Duration,
}

/// What becomes of a session that was looked at under its lock.
#[derive(Debug)]
pub enum SessionUpdate {
    /// It stays as it is.
    Keep,
    /// It holds this from now on.
    Replace {
        /// Who they are now.
        person: Person,
        /// What only the cookie opens.
        sealed: Vec<u8>,
    },
    /// It ends.
    End,
}

const COLUMNS: &str = "s.id, s.subject, coalesce(i.name, ''), coalesce(i.email, ''), s.sealed";
const IS_LIVE: &str = "s.expires_at > now() AND s.last_seen_at > now() - make_interval(secs => $2)";

impl SessionLimits {
    /// How old the mark of the last request may become before it is set anew: once a minute is enough.
    fn touch_after(&self) -> f64 {
        (self.idle.as_secs_f64() / 4.0).min(60.0)
    }
}

impl Store {
    /// Begins a session and remembers the person, ends the session that the browser had before, and records the
    /// sign-in: all of it or nothing.
    pub async fn sign_in(
        &self,
        origin: &Origin,
        session: NewSession<'_>,
        former: Option<SessionId>,
    ) -> Result<(), StoreError> {
        self.transaction("sign_in", |tx| {
            Box::pin(async move {
                insert(&tx, session).await?;
                if let Some(former) = former {
                    delete(&tx, former).await?;
                }
                record_security(&tx, origin, &SecurityEvent::SignedIn, 1).await
            })
        })
        .await
    }

    /// Ends a session and records the sign-out, both or neither; whether there was one.
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

    /// A session that has not ended, and marks that it is used.
    pub async fn session(&self, id: SessionId, limits: SessionLimits) -> Result<Option<Session>, StoreError> {
        let client = self.client().await?;
        let sql = format!(
            "-- session()
            SELECT {COLUMNS}, s.last_seen_at < now() - make_interval(secs => $3)
            FROM sessions AS s JOIN identities AS i USING (subject) WHERE s.id = $1 AND {IS_LIVE}"
        );
        let statement = client.prepare_cached(&sql).await?;
        let key = id.0.as_slice();
        let (idle, touch_after) = (limits.idle.as_secs_f64(), limits.touch_after());
        let found = client.query_opt(&statement, &[&key, &idle, &touch_after]).await?;
        let Some(row) = found else { return Ok(None) };
        if row.try_get(5)? {
            // Whoever comes first marks it; the others' condition no longer holds.
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

    /// Shows a session to `judge` while nobody else can change it, and does what it says. One at a time a session,
    /// on all units: whoever waited sees what the one before made of it. Returns what then is the session.
    ///
    /// `judge` is never called twice, and must end well before [`crate::database::options::STATEMENT_TIMEOUT`], since a
    /// connection and a lock are held meanwhile.
    pub async fn update_session<F>(
        &self,
        id: SessionId,
        limits: SessionLimits,
        judge: F,
    ) -> Result<Option<Session>, StoreError>
    where
        F: FnOnce(Session) -> BoxFuture<'static, SessionUpdate>,
    {
        let mut client = self.client().await?;
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
        let kept = match judge(found.clone()).await {
            SessionUpdate::Keep => return Ok(Some(found)),
            SessionUpdate::Replace { person, sealed } => {
                remember(&tx, &person).await?;
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

    /// Removes the sessions that have ended by themselves; how many. Does nothing while another unit does.
    pub async fn prune_sessions(&self, limits: SessionLimits) -> Result<u64, StoreError> {
        let idle = limits.idle.as_secs_f64();
        self.transaction("prune_sessions", |tx| {
            Box::pin(async move {
                let lock = "-- prune_sessions()\nSELECT pg_try_advisory_xact_lock($1)";
                if !tx.query_one(lock, &[&PRUNE_LOCK]).await?.try_get(0)? {
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

/// What the audit trail need not know, since nobody signs in or out.
#[cfg(feature = "testing")]
impl Store {
    /// Begins a session of `lifetime`, and remembers the person.
    pub async fn begin_session(
        &self,
        id: SessionId,
        person: &Person,
        sealed: &[u8],
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let session = NewSession { id, person, sealed, lifetime };
        self.transaction("begin_session", |tx| Box::pin(async move { insert(&tx, session).await })).await
    }

    /// Ends a session; whether there was one.
    pub async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        self.transaction("end_session", |tx| Box::pin(async move { delete(&tx, id).await })).await
    }
}

async fn insert(tx: &Transaction<'_>, session: NewSession<'_>) -> Result<(), StoreError> {
    let NewSession { id, person, sealed, lifetime } = session;
    remember(tx, person).await?;
    let sql = "-- insert_session()
        INSERT INTO sessions (id, subject, sealed, expires_at)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4))";
    tx.execute(sql, &[&id.0.as_slice(), &person.subject, &sealed, &lifetime.as_secs_f64()]).await?;
    Ok(())
}

/// Whether there was one.
async fn delete(tx: &Transaction<'_>, id: SessionId) -> Result<bool, StoreError> {
    let sql = "-- delete_session()\nDELETE FROM sessions WHERE id = $1";
    Ok(tx.execute(sql, &[&id.0.as_slice()]).await? > 0)
}

/// Every column is given: those of a database that was taken over may have no defaults.
async fn remember(tx: &Transaction<'_>, person: &Person) -> Result<(), StoreError> {
    let sql = "-- remember_person()
        INSERT INTO identities (subject, name, email, display_name, created_at, last_seen, updated_at)
        VALUES ($1, $2, $3, $2, now(), now(), now())
        ON CONFLICT (subject) DO UPDATE SET name = excluded.name, email = excluded.email,
            display_name = excluded.display_name, last_seen = now(), updated_at = now()";
    tx.execute(sql, &[&person.subject, &person.name, &person.email]).await?;
    Ok(())
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let id: &[u8] = row.try_get(0)?;
    let id = <[u8; 32]>::try_from(id).map_err(|error| StoreError::corrupt("sessions", "id", error))?;
    let person = Person { subject: row.try_get(1)?, name: row.try_get(2)?, email: row.try_get(3)? };
    Ok(Session { id: SessionId(id), person, sealed: row.try_get(4)? })
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use fleet::{Actor, ActorKind};

    use super::*;
    use crate::testing::{empty_database, execute, store, texts};

    #[tokio::test]
    async fn nobody_signs_in_or_out_unrecorded() {
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
        };
        let sessions = "SELECT encode(substring(id FOR 1), 'hex') FROM sessions ORDER BY id";
        store.sign_in(&origin, session(1), None).await.unwrap();
        store.sign_in(&origin, session(2), Some(SessionId([1; 32]))).await.unwrap();
        assert_eq!(texts(&options, sessions).await.unwrap(), ["02"]);
        assert!(store.sign_out(&origin, SessionId([2; 32])).await.unwrap());
        assert!(!store.sign_out(&origin, SessionId([2; 32])).await.unwrap(), "there is none any more");
        let actions = "SELECT action FROM events ORDER BY id";
        assert_eq!(
            texts(&options, actions).await.unwrap(),
            ["sign-in.succeeded", "sign-in.succeeded", "sign-out.done"]
        );

        // The audit trail cannot be written: nothing changes.
        store.sign_in(&origin, session(3), None).await.unwrap();
        execute(&options, "ALTER TABLE events RENAME TO elsewhere").await.unwrap();
        assert!(store.sign_in(&origin, session(4), Some(SessionId([3; 32]))).await.is_err());
        assert!(store.sign_out(&origin, SessionId([3; 32])).await.is_err());
        assert_eq!(texts(&options, sessions).await.unwrap(), ["03"]);
    }
}
