use fleet::{Actor, ActorKind, Origin};
use store::events::SecurityEvent;
use store::testing::migrated_store;

use super::*;
use crate::Options;

#[test]
fn parameters_are_read() {
    let read = read(
        "cluster=a%2Fb&actor=ada+l&action=cluster&since=2030-01-31T12:00:00%2B02:00&limit=500&cursor=7&search=%C3%BC",
    );
    let read = read.unwrap();
    assert_eq!((read.cluster.as_deref(), read.actor.as_deref()), (Some("a/b"), Some("ada l")));
    assert_eq!((read.limit, read.cursor, read.search.as_deref()), (Some(500), Some(7), Some("ü")));
    assert_eq!(read.since, Some(time::macros::datetime!(2030-01-31 10:00 UTC)));
    assert_eq!(super::read(""), Ok(EventQuery::default()));
}

#[test]
fn invalid_parameters_are_refused_with_a_reason() {
    for (query, words) in [
        ("limit=0", "\"limit\" must be a whole number from 1 to 500"),
        ("limit=501", "\"limit\" must be a whole number from 1 to 500"),
        ("limit=", "\"limit\" must be a whole number from 1 to 500"),
        ("cursor=x", "\"cursor\" must be a next_cursor of this list"),
        ("since=yesterday", "\"since\" must be a time such as 2030-01-31T12:00:00Z (a + is written %2B)"),
        (
            "until=2030-01-31T12:00:00+02:00",
            "\"until\" must be a time such as 2030-01-31T12:00:00Z (a + is written %2B)",
        ),
        ("clustre=a", "There is no parameter \"clustre\""),
        ("actor=a&actor=b", "\"actor\" can be given only once"),
        ("actor=%ff", "The query is not UTF-8"),
        ("actor=%00", "The query contains NUL"),
    ] {
        assert_eq!(read(query), Err(words.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn page_has_the_fields_of_the_contract_and_a_cursor() {
    let store = migrated_store().await.unwrap();
    let actor = Actor { kind: ActorKind::Person, id: "subject-1".to_owned(), name: "Ada".to_owned() };
    let address = Some("2001:db8::1".parse().unwrap());
    let origin = Origin { actor, address, request_id: Some("00ff".to_owned()) };
    for event in [SecurityEvent::SignedIn, SecurityEvent::SignedOut, SecurityEvent::SignedIn] {
        store.record_security_event(&origin, event).await.unwrap();
    }
    store.seal_events().await.unwrap();
    let options = Options::for_tests();
    let management = Management::new(store, options);
    let first = page(&management, "limit=2").await.unwrap();
    let ids: Vec<i64> = first.items.iter().map(|event| event.id).collect();
    assert_eq!(
        (ids.as_slice(), first.next_cursor.as_deref(), first.total),
        ([3, 2].as_slice(), Some("2"), 3)
    );
    let second = page(&management, "limit=2&cursor=2").await.unwrap();
    let mut wire = serde_json::to_value(&second).unwrap();
    wire["items"][0]["at"] = "moved".into();
    let wanted = serde_json::json!({
        "items": [{
            "id": 1, "at": "moved", "action": "sign-in.succeeded",
            "actor": { "kind": "person", "id": "subject-1", "name": "Ada" },
            "cluster_name": null, "cluster_uid": null, "subject": null, "before": null, "after": null,
            "address": "2001:db8::1", "request_id": "00ff", "count": 1, "sealed": true,
        }],
        "next_cursor": null,
        "total": 3,
    });
    assert_eq!(wire, wanted);
    let refused = page(&management, "limit=x").await.unwrap_err();
    assert_eq!(refused.status(), 400);
}
