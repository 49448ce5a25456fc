//! Sessions of people.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use store::Store;
use store::access::{Person, SessionId, SessionLimits, SessionUpdate};
use store::testing::{empty_database, execute, migrated_store, texts};

const LIMITS: SessionLimits =
    SessionLimits { idle: Duration::from_secs(60), lifetime: Duration::from_secs(600) };

fn person(subject: &str) -> Person {
    Person { subject: subject.to_owned(), name: "Name".to_owned(), email: "a@b.c".to_owned() }
}

async fn begin(store: &Store, id: u8) -> SessionId {
    let id = SessionId([id; 32]);
    store.begin_session(id, &person("somebody"), b"sealed", LIMITS.lifetime).await.unwrap();
    id
}

#[tokio::test]
async fn person_has_several_sessions_that_end_separately() {
    let store = migrated_store().await.unwrap();
    let (one, two) = (begin(&store, 1).await, begin(&store, 2).await);
    assert!(store.end_session(one).await.unwrap());
    assert!(!store.end_session(one).await.unwrap());
    assert!(store.session(one, LIMITS).await.unwrap().is_none());
    let found = store.session(two, LIMITS).await.unwrap().unwrap();
    assert_eq!((found.person, found.sealed), (person("somebody"), b"sealed".to_vec()));
}

#[tokio::test]
async fn caller_that_waited_for_the_lock_sees_the_updated_session() {
    let store = migrated_store().await.unwrap();
    let id = begin(&store, 1).await;
    let renewals = Arc::new(AtomicU32::new(0));
    let updates = (0..4).map(|_| {
        let (store, renewals) = (store.clone(), renewals.clone());
        tokio::spawn(async move {
            let update = store.update_session(id, LIMITS, move |session| {
                async move {
                    if session.sealed == b"renewed" {
                        return SessionUpdate::Keep;
                    }
                    renewals.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    SessionUpdate::Replace { person: session.person, sealed: b"renewed".to_vec() }
                }
                .boxed()
            });
            update.await.unwrap().unwrap().sealed
        })
    });
    for update in updates.collect::<Vec<_>>() {
        assert_eq!(update.await.unwrap(), b"renewed");
    }
    assert_eq!(renewals.load(Ordering::Relaxed), 1);
    let ended = store.update_session(id, LIMITS, |_| async { SessionUpdate::End }.boxed()).await.unwrap();
    assert!(ended.is_none() && store.session(id, LIMITS).await.unwrap().is_none());
}

#[tokio::test]
async fn expired_sessions_are_pruned() {
    let options = empty_database().await.unwrap();
    let store = store::testing::store(&options);
    store.migrate().await.unwrap();
    let (idle, late, live) = (begin(&store, 1).await, begin(&store, 2).await, begin(&store, 3).await);
    let set = |column: &str, id: u8| {
        let id = format!("{id:02x}").repeat(32);
        format!("UPDATE sessions SET {column} = now() - interval '61 seconds' WHERE id = '\\x{id}'")
    };
    execute(&options, &set("last_seen_at", 1)).await.unwrap();
    execute(&options, &set("expires_at", 2)).await.unwrap();
    for id in [idle, late] {
        assert!(store.session(id, LIMITS).await.unwrap().is_none());
        assert!(
            store
                .update_session(id, LIMITS, |_| async { SessionUpdate::Keep }.boxed())
                .await
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(store.prune_sessions(LIMITS).await.unwrap(), 2);
    assert!(store.session(live, LIMITS).await.unwrap().is_some());
}

#[tokio::test]
async fn time_of_the_last_request_is_updated_occasionally() {
    let options = empty_database().await.unwrap();
    let store = store::testing::store(&options);
    store.migrate().await.unwrap();
    let id = begin(&store, 1).await;
    let seen = "SELECT (last_seen_at > now() - interval '5 seconds')::text FROM sessions";
    let back =
        |seconds: u32| format!("UPDATE sessions SET last_seen_at = now() - interval '{seconds} seconds'");
    for (seconds, marked) in [(10, "false"), (16, "true")] {
        execute(&options, &back(seconds)).await.unwrap();
        store.session(id, LIMITS).await.unwrap().unwrap();
        assert_eq!(texts(&options, seen).await.unwrap(), [marked], "{seconds}");
    }
}

#[tokio::test]
async fn people_of_the_existing_program_are_kept() {
    for id in ["serial PRIMARY KEY", "uuid PRIMARY KEY"] {
        let options = empty_database().await.unwrap();
        let table = format!(
            "CREATE TABLE identities (id {id}, subject text UNIQUE, name text, email text, display_name text,
                created_at timestamp NOT NULL, last_seen timestamptz NOT NULL, updated_at timestamptz NOT NULL)"
        );
        execute(&options, &table).await.unwrap();
        let insert = match id.starts_with("uuid") {
            true => {
                "INSERT INTO identities VALUES (gen_random_uuid(), 'somebody', NULL, NULL, NULL, now(), now(), now())"
            }
            false => {
                "INSERT INTO identities VALUES (DEFAULT, 'somebody', NULL, NULL, NULL, now(), now(), now())"
            }
        };
        execute(&options, insert).await.unwrap();
        let store = store::testing::store(&options);
        store.migrate().await.unwrap();
        begin(&store, 1).await;
        store.begin_session(SessionId([2; 32]), &person("new"), b"sealed", LIMITS.lifetime).await.unwrap();
        let names =
            texts(&options, "SELECT subject || ' ' || name FROM identities ORDER BY 1").await.unwrap();
        assert_eq!(names, ["new Name", "somebody Name"], "{id}");
    }
}
