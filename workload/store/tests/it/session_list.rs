//! Sessions as people see them, and notices of their end.

use std::time::Duration;

use fleet::{Actor, ActorKind, CredentialId, Origin};
use futures_util::FutureExt as _;
use store::Store;
use store::access::{NewSession, Person, SessionId, SessionLimits, SessionSelection, SessionUpdate};
use store::database::Change;
use store::testing::{empty_database, execute, migrated_store, texts};

use crate::support::origin;

const LIMITS: SessionLimits =
    SessionLimits { idle: Duration::from_secs(60), lifetime: Duration::from_secs(600) };

fn person(subject: &str) -> Person {
    Person { subject: subject.to_owned(), name: "Name".to_owned(), email: "a@b.c".to_owned() }
}

async fn sign_in(store: &Store, id: u8, subject: &str, user_agent: Option<&str>) -> SessionId {
    let actor = Actor { kind: ActorKind::Person, id: subject.to_owned(), name: "Name".to_owned() };
    let address = Some("192.0.2.7".parse().unwrap());
    let origin = Origin { actor, address, request_id: None };
    let (id, person) = (SessionId([id; 32]), person(subject));
    let lifetime = LIMITS.lifetime;
    let session = NewSession { id, person: &person, sealed: b"sealed", lifetime, user_agent };
    store.sign_in(&origin, session, None).await.unwrap();
    id
}

fn all(limit: u16) -> SessionSelection<'static> {
    SessionSelection { subject: None, after: None, limit }
}

#[tokio::test]
async fn sessions_are_listed_with_their_origin_and_without_their_content() {
    let store = migrated_store().await.unwrap();
    let id = sign_in(&store, 1, "somebody", Some("Mozilla\u{7}/5.0")).await;
    sign_in(&store, 2, "other", None).await;
    let own = SessionSelection { subject: Some("somebody"), ..all(10) };
    let page = store.sessions(LIMITS, own).await.unwrap();
    assert_eq!((page.sessions.len(), page.total, page.next), (1, 1, None));
    let listed = &page.sessions[0];
    assert_eq!(
        (listed.credential.0, listed.subject.as_str(), listed.name.as_str()),
        (id.0, "somebody", "Name")
    );
    assert_eq!(listed.address, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(listed.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert!(listed.created_at <= listed.last_used_at && listed.last_used_at < listed.expires_at);

    let idle = SessionLimits { idle: Duration::ZERO, ..LIMITS };
    assert_eq!(store.sessions(idle, all(10)).await.unwrap().total, 0, "one that has ended is not listed");
}

#[tokio::test]
async fn pages_of_sessions_contain_each_once() {
    let options = empty_database().await.unwrap();
    let store = store::testing::store(&options);
    store.migrate().await.unwrap();
    for id in 1..=7 {
        sign_in(&store, id, "somebody", None).await;
    }
    // Sign-ins of one moment are ordered by their ids.
    execute(&options, "UPDATE sessions SET created_at = date_trunc('minute', now())").await.unwrap();
    let (mut seen, mut selection) = (Vec::new(), all(3));
    loop {
        let page = store.sessions(LIMITS, selection).await.unwrap();
        assert!(page.sessions.len() <= 3 && page.total == 7);
        seen.extend(page.sessions.iter().map(|session| session.credential));
        let Some(next) = page.next else { break };
        selection.after = Some(next.to_string().parse().unwrap());
    }
    seen.sort_unstable_by_key(|id| id.0);
    assert_eq!(seen, (1..=7).map(|id| CredentialId([id; 32])).collect::<Vec<_>>());
}

#[tokio::test]
async fn ended_session_is_gone_recorded_and_announced() {
    let options = empty_database().await.unwrap();
    let store = store::testing::store(&options);
    store.migrate().await.unwrap();
    let id = sign_in(&store, 1, "somebody", None).await;
    let public = store.sessions(LIMITS, all(1)).await.unwrap().sessions[0].id;
    let mut changes = store.listen().await.unwrap();
    assert!(!store.end_listed_session(public, Some("other"), LIMITS, &origin()).await.unwrap(), "not theirs");
    assert!(store.credential_exists(CredentialId(id.0)).await.unwrap());
    assert!(store.end_listed_session(public, Some("somebody"), LIMITS, &origin()).await.unwrap());
    assert!(!store.end_listed_session(public, None, LIMITS, &origin()).await.unwrap(), "it has ended");
    assert_eq!(changes.next().await, Some(Change::CredentialEnded(CredentialId(id.0))));
    assert!(store.session(id, LIMITS).await.unwrap().is_none());
    assert!(!store.credential_exists(CredentialId(id.0)).await.unwrap());
    let sql = "SELECT concat_ws(' ', action, subject, before->>'person', before->>'address') FROM events
        WHERE action LIKE 'session.%'";
    assert_eq!(texts(&options, sql).await.unwrap(), ["session.ended Name somebody 192.0.2.7"]);
}

#[tokio::test]
async fn every_end_of_a_session_is_announced() {
    let store = migrated_store().await.unwrap();
    let mut changes = store.listen().await.unwrap();
    let ended = |id: SessionId| Some(Change::CredentialEnded(CredentialId(id.0)));
    let refused = sign_in(&store, 1, "somebody", None).await;
    store.update_session(refused, LIMITS, |_| async { SessionUpdate::End }.boxed()).await.unwrap();
    assert_eq!(changes.next().await, ended(refused));
    let signed_out = sign_in(&store, 2, "somebody", None).await;
    store.sign_out(&origin(), signed_out).await.unwrap();
    assert_eq!(changes.next().await, ended(signed_out));
    let former = sign_in(&store, 3, "somebody", None).await;
    let (id, person) = (SessionId([4; 32]), person("somebody"));
    let lifetime = LIMITS.lifetime;
    let session = NewSession { id, person: &person, sealed: b"sealed", lifetime, user_agent: None };
    store.sign_in(&origin(), session, Some(former)).await.unwrap();
    assert_eq!(changes.next().await, ended(former), "the browser signed in again");
}
