use std::net::Ipv4Addr;

use edge::{ClientCertificate, Draining, Peer};
use http::HeaderValue;
use store::testing::{empty_database, store, texts};

use super::*;
use crate::{Management, Options};

const NONE: [u32; 0] = [];

fn kind(name: &str, address: u8) -> Kind {
    let kind = if name.is_empty() { ActorKind::Unknown } else { ActorKind::Person };
    Kind {
        actor: Actor { kind, id: name.to_owned(), name: name.to_owned() },
        address: Some(Ipv4Addr::new(192, 0, 2, address).into()),
        subject: Subject::Request {
            method: "GET".to_owned(),
            route: "/1.0/event",
            cluster: None,
            status: 403,
        },
    }
}

fn counts(due: Vec<Due>) -> Vec<u32> {
    due.into_iter().map(|due| due.count).collect()
}

#[test]
fn first_refusal_is_due_immediately_and_the_rest_once_a_minute() {
    let mut table = Table::default();
    let start = Instant::now();
    assert!(table.add(kind("ada", 1), Some("1".to_owned()), start));
    assert_eq!(counts(table.take_due(start)), [1]);
    for _ in 0..7 {
        assert!(!table.add(kind("ada", 1), Some("2".to_owned()), start));
    }
    assert_eq!(counts(table.take_due(start + COUNTING_PERIOD / 2)), NONE);
    assert_eq!(counts(table.take_due(start + COUNTING_PERIOD)), [7]);
    assert!(
        !table.add(kind("ada", 1), Some("3".to_owned()), start + COUNTING_PERIOD),
        "one event a minute while it continues"
    );
    assert_eq!(counts(table.take_due(start + 2 * COUNTING_PERIOD)), [1]);
    assert_eq!(counts(table.take_due(start + 3 * COUNTING_PERIOD)), NONE);
    assert!(
        table.0.is_empty() && table.next_due().is_none(),
        "a kind without refusals for a minute is forgotten"
    );
    assert!(table.add(kind("ada", 1), Some("4".to_owned()), start + 3 * COUNTING_PERIOD));
}

#[test]
fn kinds_are_counted_separately() {
    let mut table = Table::default();
    let now = Instant::now();
    for (name, address) in [("ada", 1), ("ada", 2), ("bob", 1), ("ada", 1)] {
        table.add(kind(name, address), None, now);
    }
    let mut counts = counts(table.take_due(now));
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
}

#[test]
fn flood_of_unauthenticated_requests_shares_one_kind() {
    let mut table = Table::default();
    let now = Instant::now();
    for count in 0..5000 {
        let subject =
            Subject::Request { method: format!("M{count}"), route: "/1.0/event", cluster: None, status: 403 };
        table.add(Kind { subject, ..kind("", 1) }, None, now);
    }
    table.add(kind("ada", 1), None, now);
    let due = table.take_due(now);
    assert_eq!(due.len(), MAX_KINDS + 2);
    let many: Vec<_> =
        due.iter().filter(|due| due.kind.actor.name == "several unauthenticated callers").collect();
    assert_eq!((many.len(), many[0].count), (1, 5000 - u32::try_from(MAX_KINDS).unwrap()));
    assert!(due.iter().any(|due| due.kind.actor.id == "ada"));
}

#[test]
fn failed_write_is_retried() {
    let mut table = Table::default();
    let now = Instant::now();
    table.add(kind("ada", 1), Some("1".to_owned()), now);
    let due = table.take_due(now).remove(0);
    table.add(kind("ada", 1), Some("2".to_owned()), now);
    table.put_back(due, now + RETRY_DELAY);
    assert_eq!(counts(table.take_due(now)), NONE);
    assert_eq!(counts(table.take_due(now + RETRY_DELAY)), [2]);
}

#[test]
fn everything_is_taken_at_shutdown() {
    let mut table = Table::default();
    let now = Instant::now();
    table.add(kind("ada", 1), Some("1".to_owned()), now);
    table.add(kind("bob", 1), Some("1".to_owned()), now);
    table.take_due(now);
    table.add(kind("ada", 1), Some("2".to_owned()), now);
    assert_eq!(counts(table.take_all()), [1]);
}

#[test]
fn request_without_credentials_is_not_refused() {
    let attempt = |name: &'static str, value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        Attempt::new("GET", &headers, Ipv4Addr::LOCALHOST.into(), RequestId::next())
    };
    let unauthorized = StatusCode::UNAUTHORIZED;
    assert!(attempt("accept", "*/*").refused_with(unauthorized).is_none());
    assert!(attempt("cookie", "theme=dark").refused_with(unauthorized).is_none());
    assert!(attempt("accept", "*/*").refused_with(StatusCode::NOT_FOUND).is_none());
    assert!(attempt("accept", "*/*").refused_with(StatusCode::FORBIDDEN).is_some());
    assert!(attempt("cookie", "theme=dark; __Host-session=x").refused_with(unauthorized).is_some());
    assert!(attempt("authorization", "Bearer x").refused_with(unauthorized).is_some());
}

#[test]
fn refusal_names_the_cluster_if_the_caller_is_known() {
    let mut attempt = Attempt::new("PATCH", &HeaderMap::new(), Ipv4Addr::LOCALHOST.into(), RequestId::next());
    attempt.route = Some("/1.0/remote-cluster/{name}");
    attempt.cluster = Some("berlin".to_owned());
    let cluster = |attempt: &Attempt| match attempt.refused_with(StatusCode::FORBIDDEN).unwrap().subject {
        Subject::Request { cluster, .. } => cluster,
        Subject::SignIn { .. } => None,
    };
    assert_eq!(cluster(&attempt), None, "a stranger could put a million names into paths");
    attempt.actor = Some(Actor { kind: ActorKind::Person, id: "ada".to_owned(), name: String::new() });
    assert_eq!(cluster(&attempt).as_deref(), Some("berlin"));
}

#[tokio::test]
async fn refused_requests_are_in_the_audit_trail_without_what_they_presented() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    let management = Management::new(store, Options::for_tests());
    let shutdown = CancellationToken::new();
    let writing = tokio::spawn(management.clone().run(shutdown.clone()));
    let routes = management.routes();
    let ask = async |path: &str, header: &str, value: &str| {
        let address = "192.0.2.7:1".parse().unwrap();
        let request = warp::test::request().path(path).header(header, value);
        let request = request.extension(Peer::new(address, ClientCertificate::None));
        let request = request.extension(RequestId::next()).extension(Draining(CancellationToken::new()));
        request.reply(&routes).await.status().as_u16()
    };
    for _ in 0..3 {
        assert_eq!(ask("/1.0/event?search=canary", "authorization", "Bearer canary").await, 401);
    }
    assert_eq!(ask("/1.0/event", "accept", "*/*").await, 401);
    assert_eq!(ask("/1.0/status", "sec-fetch-site", "cross-site").await, 403);
    assert_eq!(ask("/canary", "sec-fetch-site", "cross-site").await, 403);
    for _ in 0..5 {
        let origin = Origin { request_id: Some("00ff".to_owned()), ..Actor::unknown().locally() };
        management.note_refused_sign_in(origin, "the state does not match");
    }
    shutdown.cancel();
    writing.await.unwrap();
    let sql = "SELECT concat_ws('|', subject, after::text, actor_kind, host(address), sum(count)) FROM events
               WHERE action = 'request.refused' GROUP BY subject, after::text, actor_kind, address
               ORDER BY subject COLLATE \"C\"";
    assert_eq!(
        texts(&options, sql).await.unwrap(),
        [
            "GET (no such route)|{\"status\":403}|unknown|192.0.2.7|1",
            "GET /1.0/event|{\"status\":401}|unknown|192.0.2.7|3",
            "GET /1.0/status|{\"status\":403}|unknown|192.0.2.7|1",
        ]
    );
    let sql =
        "SELECT sum(count) FROM events WHERE action = 'sign-in.refused' AND after::text LIKE '%not match%'";
    assert_eq!(texts(&options, sql).await.unwrap(), ["5"]);
    let rows = texts(&options, "SELECT to_json(e)::text FROM events AS e").await.unwrap();
    assert!(rows.len() <= 7 && rows.iter().all(|row| !row.contains("canary")), "{rows:?}");
}
