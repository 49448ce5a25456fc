//! The audit trail: what leaves a row, and what is in it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use fleet::{Actor, ActorKind, Origin};
use store::events::SecurityEvent;
use store::testing::{empty_database, store, texts};

/// Somebody who signed in, over the network.
fn person() -> Origin {
    let actor = Actor { kind: ActorKind::Person, id: "subject-1".to_owned(), name: "Ada\0".to_owned() };
    Origin { actor, address: Some("192.0.2.1".parse().unwrap()), request_id: Some("00ff".to_owned()) }
}

#[tokio::test]
async fn sign_ins_and_refusals_are_recorded() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    let refused = SecurityEvent::Refused {
        method: "GET".to_owned(),
        path: "/1.0/event".to_owned(),
        status: 403,
        count: 7,
    };
    let reason = "no such person\0".to_owned();
    for event in
        [SecurityEvent::SignedIn, SecurityEvent::SignedOut, SecurityEvent::SignInRefused { reason }, refused]
    {
        store.record_security_event(&person(), event).await.unwrap();
    }
    let sql = "SELECT concat_ws('|', action, actor_kind, actor_id, actor_name, subject, after, host(address), \
               request_id, count) FROM events ORDER BY id";
    let who = "person|subject-1|Ada\u{fffd}";
    assert_eq!(
        texts(&options, sql).await.unwrap(),
        [
            format!("sign-in.succeeded|{who}|192.0.2.1|00ff|1"),
            format!("sign-out.done|{who}|192.0.2.1|00ff|1"),
            format!("sign-in.refused|{who}|{{\"reason\":\"no such person\\u0000\"}}|192.0.2.1|00ff|1"),
            format!("request.refused|{who}|GET /1.0/event|{{\"status\":403}}|192.0.2.1|00ff|7"),
        ]
    );
}
