//! Sessions that are seen and ended by their people, and by an administrator.

use std::time::{Duration, Instant};

use harness::{Browser, Hub, IdentityProvider};
use serde_json::{Value, json};
use store::testing::{execute, texts};

use super::ROLES;

const PATH: &str = "/1.0/session";

/// A hub with two management units.
async fn hub() -> (IdentityProvider, Hub) {
    let provider = IdentityProvider::start(json!({})).await;
    let mut hub = Hub::start_management(&provider.issuer, &[("ROLE_MAPPING", ROLES)]).await;
    hub.add_management().await;
    (provider, hub)
}

async fn signed_in(hub: &Hub, unit: usize, person: &str) -> Browser {
    let mut browser = Browser::new(hub.managements()[unit].address);
    browser.sign_in(person, "/ui/").await;
    assert!(browser.who_am_i().await.is_ok());
    browser
}

async fn sessions(browser: &mut Browser, query: &str) -> Vec<Value> {
    let page = browser.fetch(&format!("{PATH}{query}")).await;
    assert_eq!(page.status, 200, "{page:?}");
    page.json()["metadata"]["items"].as_array().unwrap().clone()
}

fn path_of(session: &Value) -> String {
    format!("{PATH}/{}", session["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_end_their_own_sessions_and_no_others() {
    let (_provider, hub) = hub().await;
    let (mut desk, mut phone) = (signed_in(&hub, 0, "viewer").await, signed_in(&hub, 1, "viewer").await);
    let mut operator = signed_in(&hub, 0, "operator").await;

    let seen = sessions(&mut desk, "").await;
    assert_eq!(seen.len(), 2, "{seen:?}");
    let current: Vec<_> = seen.iter().map(|session| session["current"] == true).collect();
    assert_eq!(current, [false, true], "the newest comes first");
    for session in &seen {
        assert_eq!(session["person"]["name"], "Vera Viewer");
        assert_eq!(session["address"], "127.0.0.1");
    }
    for query in ["?all=true", "?all=true&limit=1"] {
        assert_eq!(desk.fetch(&format!("{PATH}{query}")).await.status, 403);
    }
    let theirs = sessions(&mut operator, "").await;
    for path in [path_of(&theirs[0]), format!("{PATH}/x"), format!("{PATH}/{}", "0".repeat(64))] {
        assert_eq!(desk.delete(&path).await.status, 404, "{path}");
    }
    assert!(operator.who_am_i().await.is_ok());

    // Ended through one unit, refused by the other at once.
    assert_eq!(desk.delete(&path_of(&seen[0])).await.status, 200);
    assert_eq!(phone.who_am_i().await.unwrap_err(), 401);
    assert!(desk.who_am_i().await.is_ok());
    assert_eq!(desk.delete(&path_of(&seen[0])).await.status, 404);
    assert_eq!(desk.delete(&path_of(&seen[1])).await.status, 200, "one's own, in use");
    assert_eq!(desk.who_am_i().await.unwrap_err(), 401);
    let sql = "SELECT concat_ws(' ', action, actor_id, subject, before->>'address') FROM events
        WHERE action LIKE 'session.%' ORDER BY id";
    let ended = "session.ended viewer Vera Viewer 127.0.0.1";
    assert_eq!(texts(&hub.database, sql).await.unwrap(), [ended, ended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_sees_and_ends_everybodys_sessions() {
    let (_provider, hub) = hub().await;
    let mut admin = signed_in(&hub, 0, "admin").await;
    let mut viewer = signed_in(&hub, 1, "viewer").await;
    assert_eq!(sessions(&mut admin, "").await.len(), 1);
    let first = admin.fetch(&format!("{PATH}?all=true&limit=1")).await.json()["metadata"].clone();
    assert_eq!((&first["total"], &first["items"][0]["person"]["id"]), (&json!(2), &json!("viewer")));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = sessions(&mut admin, &format!("?all=true&limit=1&cursor={cursor}")).await;
    assert_eq!(rest[0]["person"]["id"], "admin");
    for query in ["?limit=0", "?limit=501", "?limit=x", "?cursor=x", "?all=perhaps"] {
        assert_eq!(admin.fetch(&format!("{PATH}{query}")).await.status, 400, "{query}");
    }
    assert_eq!(admin.delete(&path_of(&first["items"][0])).await.status, 200);
    assert_eq!(viewer.who_am_i().await.unwrap_err(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_of_sessions_holds_nothing_that_signs_in() {
    let (_provider, hub) = hub().await;
    let mut browser = signed_in(&hub, 0, "admin").await;
    let listed = browser.fetch(PATH).await.body;
    let cookie = browser.cookie(super::SESSION).unwrap().value.clone();
    let digest = texts(&hub.database, "SELECT encode(id, 'hex') FROM sessions").await.unwrap().remove(0);
    for secret in [&cookie[..40], &cookie[44..84], "eyJ", &digest] {
        assert!(!listed.contains(secret), "{secret}: {listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_an_ended_session_end_at_once_on_every_unit() {
    let (_provider, hub) = hub().await;
    let mut admin = signed_in(&hub, 0, "admin").await;
    let mut viewer = signed_in(&hub, 0, "viewer").await;
    let mut streams = Vec::new();
    for unit in hub.managements() {
        viewer.go_to_unit(unit.address);
        streams.push(viewer.stream("/1.0/changes").await);
    }
    let mut kept = admin.stream("/1.0/changes").await;
    for stream in streams.iter_mut().chain([&mut kept]) {
        assert!(stream.chunk().await.unwrap().is_some(), "it begins");
    }
    let theirs = sessions(&mut viewer, "").await;
    assert_eq!(admin.delete(&path_of(&theirs[0])).await.status, 200);
    let ended = Instant::now();
    for stream in &mut streams {
        let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(Duration::from_secs(2), rest).await.expect("it ends");
    }
    assert!(ended.elapsed() < Duration::from_secs(2), "{:?}", ended.elapsed());
    let more = tokio::time::timeout(Duration::from_millis(500), kept.chunk()).await;
    assert!(!matches!(more, Ok(Ok(None))), "another session's stream goes on");

    // Signing out ends them too.
    let mut stream = admin.stream("/1.0/changes").await;
    stream.chunk().await.unwrap().expect("it begins");
    admin.fetch("/oidc/logout").await;
    let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(2), rest).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_ends_even_if_the_notice_was_lost() {
    let (_provider, hub) = hub().await;
    let viewer = signed_in(&hub, 0, "viewer").await;
    let admin = signed_in(&hub, 0, "admin").await;
    let (mut stream, mut kept) = (viewer.stream("/1.0/changes").await, admin.stream("/1.0/changes").await);
    for stream in [&mut stream, &mut kept] {
        assert!(stream.chunk().await.unwrap().is_some(), "it begins");
    }
    // As if the session ended while no unit was listening: no notice, and all listeners lose their connection.
    execute(&hub.database, "DELETE FROM sessions WHERE subject = 'viewer'").await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE (query LIKE '%listen()%' OR query LIKE '%takes_writes()%')
        AND datname = current_database() AND pid <> pg_backend_pid()";
    execute(&hub.database, cut).await.unwrap();
    let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(10), rest).await.expect("it ends");
    let resync = async {
        loop {
            let chunk = kept.chunk().await.unwrap().expect("it goes on");
            if String::from_utf8_lossy(&chunk).contains("resync") {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), resync).await.expect("a resync");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_at_the_command_line() {
    let (_provider, hub) = hub().await;
    let mut viewer = signed_in(&hub, 0, "viewer").await;
    let listed = hub.cli(["--output", "json", "session", "list"]).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["person"]["id"], listed[0]["current"] == false), (&json!("viewer"), true));
    let table = hub.cli(["session", "list"]).out;
    assert!(table.trim_start().starts_with("ID ") && table.contains("Vera Viewer (viewer)"), "{table}");
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(hub.cli(["session", "remove", id]).code, Some(0));
    assert_eq!(viewer.who_am_i().await.unwrap_err(), 401);
    assert_eq!(hub.cli(["session", "remove", id]).code, Some(3));
    assert_eq!(hub.cli(["session", "remove", "x"]).code, Some(3));
    let table = hub.cli(["session", "list"]).out;
    assert!(table.starts_with("No sessions."), "{table}");
}
