//! The audit trail: what records an event, and what the event contains.

use fleet::event::EventFilter;
use fleet::{Actor, ActorKind, ClusterChange, Origin};
use store::DatabaseOptions;
use store::events::SecurityEvent;
use store::testing::{empty_database, execute, migrated_store, store, texts};
use time::Duration;

use crate::support::{certificate, enrol, origin, request, secret, token_for, token_proof};

/// A person who signed in, over the network.
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
        path: "/1.0/remote-cluster/{name}".to_owned(),
        cluster: Some("berlin".to_owned()),
        status: 403,
        count: 7,
    };
    let reason = "no such person\0".to_owned();
    let join = SecurityEvent::JoinRefused { cluster_name: Some("a".to_owned()), reason: "the name is taken" };
    for event in [
        SecurityEvent::SignedIn,
        SecurityEvent::SignedOut,
        SecurityEvent::SignInRefused { reason },
        refused,
        join,
    ] {
        store.record_security_event(&person(), event).await.unwrap();
    }
    let sql = "SELECT concat_ws('|', action, actor_kind, actor_id, actor_name, cluster_name, subject, after, \
               host(address), request_id, count) FROM events ORDER BY id";
    let who = "person|subject-1|Ada\u{fffd}";
    assert_eq!(
        texts(&options, sql).await.unwrap(),
        [
            format!("sign-in.succeeded|{who}|192.0.2.1|00ff|1"),
            format!("sign-out.done|{who}|192.0.2.1|00ff|1"),
            format!("sign-in.refused|{who}|{{\"reason\":\"no such person\\u0000\"}}|192.0.2.1|00ff|1"),
            format!(
                "request.refused|{who}|berlin|GET /1.0/remote-cluster/{{name}}|{{\"status\":403}}|192.0.2.1|00ff|7"
            ),
            format!("join.refused|{who}|a|{{\"reason\":\"the name is taken\"}}|192.0.2.1|00ff|1"),
        ]
    );
}

/// The events without ids, times and seals, oldest first.
async fn rows(options: &DatabaseOptions) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', action, actor_kind, coalesce(nullif(actor_name, ''), '-'), cluster_name,
        cluster_uid IS NOT NULL, 'before', before, 'after', after) FROM events ORDER BY id";
    let rows = texts(options, sql).await.unwrap();
    // Without the values that differ from run to run.
    let steady = |row: String| {
        let words = row.split(' ').map(|word| word.split_once("\"expiry\":").map_or(word, |(kept, _)| kept));
        words.collect::<Vec<_>>().join(" ")
    };
    rows.into_iter().map(steady).collect()
}

#[tokio::test]
async fn every_change_records_exactly_one_event() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    token_for(&store, "a", Duration::HOUR).await;
    assert!(store.revoke_join_token("a", &person()).await.unwrap());
    let fingerprint = enrol(&store, "a").await;
    let change = ClusterChange { description: Some("new".to_owned()), ..ClusterChange::default() };
    assert!(store.configure_cluster("a", &change, &person()).await.unwrap());
    assert!(store.remove_cluster("a", &person()).await.unwrap());
    enrol(&store, "b").await;
    let uid = store.cluster("b").await.unwrap().unwrap().uid;
    assert!(store.leave(uid, &origin()).await.unwrap());
    let all = rows(&options).await;
    let actions: Vec<&str> = all.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(
        actions,
        [
            "token.created",
            "token.revoked",
            "token.created",
            "cluster.joined",
            "cluster.configured",
            "cluster.removed",
            "token.created",
            "cluster.joined",
            "cluster.left",
        ]
    );
    let ada = "person Ada\u{fffd} a";
    assert_eq!(
        all[0],
        "token.created command-line test a f before after {\"description\":\"made by a test\","
    );
    assert_eq!(all[1], format!("token.revoked {ada} f before {{\"description\":\"made by a test\", after"));
    assert_eq!(
        all[3],
        format!(
            "cluster.joined cluster a a t before after \
             {{\"certificate_fingerprint\":\"{fingerprint}\",\"description\":\"made by a test\"}}"
        )
    );
    assert_eq!(
        all[4],
        format!(
            "cluster.configured {ada} t before \
             {{\"description\":\"made by a test\",\"disk_threshold\":80,\"memory_threshold\":80}} after \
             {{\"description\":\"new\",\"disk_threshold\":80,\"memory_threshold\":80}}"
        )
    );
    assert!(all[5].starts_with(&format!("cluster.removed {ada} t before {{")), "{}", all[5]);
    assert!(all[5].ends_with(" after"), "{}", all[5]);
}

#[tokio::test]
async fn call_that_changes_nothing_records_no_event() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    enrol(&store, "a").await;
    let before = rows(&options).await.len();
    assert!(!store.revoke_join_token("unknown", &person()).await.unwrap());
    assert!(!store.remove_cluster("unknown", &person()).await.unwrap());
    let change = ClusterChange { description: Some("made by a test".to_owned()), ..ClusterChange::default() };
    assert!(
        store.configure_cluster("a", &change, &person()).await.unwrap(),
        "the description is already set"
    );
    assert!(!store.configure_cluster("unknown", &change, &person()).await.unwrap());
    assert_eq!(rows(&options).await.len(), before);
}

#[tokio::test]
async fn change_and_event_commit_together_or_not_at_all() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    enrol(&store, "a").await;
    token_for(&store, "b", Duration::HOUR).await;
    let before = rows(&options).await;
    // From here on no event can be recorded, so nothing may change.
    execute(&options, "ALTER TABLE events ADD CONSTRAINT full_disk CHECK (false) NOT VALID").await.unwrap();
    let change = ClusterChange { description: Some("new".to_owned()), ..ClusterChange::default() };
    store.configure_cluster("a", &change, &person()).await.unwrap_err();
    store.remove_cluster("a", &person()).await.unwrap_err();
    let uid = store.cluster("a").await.unwrap().unwrap().uid;
    store.leave(uid, &origin()).await.unwrap_err();
    store.revoke_join_token("b", &person()).await.unwrap_err();
    let certificate = certificate();
    let presented = Some(certificate.fingerprint);
    store
        .join_cluster(&request("b", &certificate), &token_proof("b"), presented, &origin())
        .await
        .unwrap_err();
    assert_eq!(store.cluster("a").await.unwrap().unwrap().description, "made by a test");
    assert!(store.cluster("b").await.unwrap().is_none());
    assert_eq!(store.join_tokens().await.unwrap().len(), 1);
    assert_eq!(rows(&options).await, before);
    // If a change fails after its event was recorded, the event is rolled back too.
    execute(&options, "ALTER TABLE events DROP CONSTRAINT full_disk").await.unwrap();
    execute(
        &options,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
         CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    .await
    .unwrap();
    store.remove_cluster("a", &person()).await.unwrap_err();
    assert!(store.cluster("a").await.unwrap().is_some());
    assert_eq!(rows(&options).await, before);
}

#[tokio::test]
async fn no_event_contains_a_secret() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    enrol(&store, "a").await;
    token_for(&store, "b", Duration::HOUR).await;
    store.revoke_join_token("b", &person()).await.unwrap();
    let secret = String::from_utf8(secret().expose().to_vec()).unwrap();
    let rows = texts(&options, "SELECT to_json(e)::text FROM events AS e").await.unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| !row.contains(&secret) && !row.contains("BEGIN")), "{rows:?}");
}

#[tokio::test]
async fn each_filter_finds_its_events() {
    let store = migrated_store().await.unwrap();
    enrol(&store, "a").await;
    enrol(&store, "b").await;
    let uid = store.cluster("a").await.unwrap().unwrap().uid;
    let between = store.now().await.unwrap();
    store.remove_cluster("a", &person()).await.unwrap();
    store.record_security_event(&person(), SecurityEvent::SignedOut).await.unwrap();
    let found = async |filter: EventFilter| {
        let page = store.events(&filter, None, 500).await.unwrap();
        assert_eq!((page.total, page.has_more), (page.events.len() as u64, false));
        page.events.into_iter().map(|event| event.action).collect::<Vec<_>>().join(" ")
    };
    let any = EventFilter::default;
    let some = |text: &str| Some(text.to_owned());
    let a = "cluster.removed cluster.joined token.created";
    assert_eq!(found(EventFilter { cluster: some("a"), ..any() }).await, a);
    assert_eq!(
        found(EventFilter { cluster: Some(uid.to_string()), ..any() }).await,
        "cluster.removed cluster.joined"
    );
    assert_eq!(
        found(EventFilter { actor: some("subject-1"), ..any() }).await,
        "sign-out.done cluster.removed"
    );
    assert_eq!(found(EventFilter { actor: some("b"), ..any() }).await, "cluster.joined");
    assert_eq!(found(EventFilter { action: some("cluster.removed"), ..any() }).await, "cluster.removed");
    let clusters = "cluster.removed cluster.joined cluster.joined";
    assert_eq!(found(EventFilter { action: some("cluster"), ..any() }).await, clusters);
    assert_eq!(found(EventFilter { action: some("clust"), ..any() }).await, "");
    assert_eq!(found(EventFilter { since: Some(between), ..any() }).await, "sign-out.done cluster.removed");
    let before = "cluster.joined token.created cluster.joined token.created";
    assert_eq!(found(EventFilter { until: Some(between), ..any() }).await, before);
    assert_eq!(
        found(EventFilter { search: some("SUBJECT-1"), ..any() }).await,
        "sign-out.done cluster.removed"
    );
    assert_eq!(
        found(EventFilter { search: some("192.0.2.1"), ..any() }).await,
        "sign-out.done cluster.removed"
    );
    assert_eq!(found(EventFilter { search: some("%"), ..any() }).await, "");
    assert_eq!(
        found(EventFilter { cluster: some("a"), actor: some("subject-1"), ..any() }).await,
        "cluster.removed"
    );
}

#[tokio::test]
async fn pages_have_no_gaps_or_duplicates_while_events_are_added() {
    let store = migrated_store().await.unwrap();
    for _ in 0..7 {
        store.record_security_event(&person(), SecurityEvent::SignedIn).await.unwrap();
    }
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.events(&EventFilter::default(), cursor, 3).await.unwrap();
        ids.extend(page.events.iter().map(|event| event.id));
        store.record_security_event(&person(), SecurityEvent::SignedOut).await.unwrap();
        if !page.has_more {
            break;
        }
        cursor = ids.last().copied();
    }
    assert_eq!(ids, [7, 6, 5, 4, 3, 2, 1]);
}
