//! Hostile input: a clear 4xx or a closed connection, nothing stored, nothing secret in the log.

mod text;

use std::time::{Duration, Instant};

use agent::client::{ClusterClient, Payload, Proof, Request};
use harness::Hub;
use harness::hub::keys;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const STATUS: &str = "/1.0/remote-cluster/status";

/// Sends bytes and waits until the other side closes. Returns how long that took.
async fn sent_and_closed(port: u16, bytes: &[u8]) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut rest = Vec::new();
    // Closed and reset both count.
    let _ = tokio::time::timeout(Duration::from_secs(40), stream.read_to_end(&mut rest))
        .await
        .expect("it is cut");
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_without_tls_is_closed_and_others_are_served_meanwhile() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let port = hub.address.port();
    let garbage: Vec<u8> = (0..4096u32).map(|number| (number * 7919 % 251) as u8).collect();
    let hello_cut_short = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let proxy = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    let silent = tokio::spawn(async move { sent_and_closed(port, &[]).await });
    let truncated = tokio::spawn(async move { sent_and_closed(port, &hello_cut_short).await });
    for bytes in [garbage.as_slice(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", proxy] {
        assert!(sent_and_closed(port, bytes).await < Duration::from_secs(5), "garbage is cut at once");
    }
    assert!(site.heartbeat("{}").await.is_ok());
    for slow in [silent, truncated] {
        assert!(slow.await.unwrap() < Duration::from_secs(15), "a handshake has ten seconds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_is_too_large_is_413_however_it_is_sent() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    for (path, length) in
        [(STATUS, 1 << 30), (STATUS, (64 << 20) + 1), ("/1.0/remote-cluster", (64 << 10) + 1)]
    {
        let status = declared(&hub, &site, path, length).await;
        assert!(status.starts_with("HTTP/1.1 413"), "{path} with {length} bytes: {status}");
    }
    let large = vec![b' '; (64 << 10) + 1];
    let answer = site.exchange(Request::new(Method::POST, "/1.0/remote-cluster", large)).await.unwrap();
    assert_eq!(answer.response.status, 413);
    let just_fits = [vec![b' '; (64 << 20) - 2], b"{}".to_vec()].concat();
    let answer = site.exchange(Request::new(Method::POST, STATUS, just_fits)).await.unwrap();
    assert_eq!(answer.response.status, 200);
}

/// The first line of the response to a request that only announces its body.
async fn declared(hub: &Hub, site: &ClusterClient, path: &str, length: usize) -> String {
    let tls = agent::client::Tls::shared().unwrap();
    let config = tls.config(&site.keys.identity(), &agent::client::Trust::Anyone).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", hub.address.port())).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 512];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_is_no_json_object_is_400_and_changes_nothing() {
    let hub = Hub::start_unlimited().await;
    let site = hub.enrol("a").await;
    site.heartbeat(r#"{"memory_usage":7}"#).await.unwrap();
    let deep = "[".repeat(200_000);
    let deep_field = format!("{{\"x\":{deep}");
    for body in [
        "",
        "null",
        "[]",
        "\"{}\"",
        "{} {}",
        "{\"memory_usage\":NaN}",
        "{\"memory_usage\":8,}",
        deep.as_str(),
        deep_field.as_str(),
    ] {
        let answer = site.exchange(Request::new(Method::POST, STATUS, body.to_owned())).await.unwrap();
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.response.status, 400, "{shown}");
        assert!(answer.response.body.len() < 600, "{shown}: a short text");
    }
    assert_eq!(hub.shown("a")["memory_usage"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_body_stores_nothing() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let broken = Payload::aborted(r#"{"memory_usage":9}"#);
    let _ = site.exchange(Request::new(Method::POST, STATUS, broken)).await;
    site.heartbeat("{}").await.unwrap();
    assert_eq!(hub.shown("a")["memory_usage"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_refused() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    for (method, path, status) in [
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/1.0/remote-cluster/../remote-cluster/status", 404),
        (Method::GET, "/%00", 404),
        (Method::PUT, "/1.0/remote-cluster", 405),
        (Method::GET, STATUS, 405),
        (Method::POST, "/", 405),
    ] {
        let answer = site.exchange(Request::new(method.clone(), path, "")).await.unwrap();
        assert_eq!(answer.response.status.as_u16(), status, "{method} {path}");
        let envelope: serde_json::Value = serde_json::from_slice(&answer.response.body).unwrap();
        assert_eq!(envelope["error_code"], status);
    }
}

/// The whole log of a unit at the most verbose level, for joins and heartbeats that succeed and that fail.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_at_any_level() {
    let settings = [("LOG_LEVEL", "trace"), ("LOG_FORMAT", "json")];
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    let program = hub.start_program().await;
    let token = hub.token("a");
    let secret = {
        let decoded = protocol::JoinToken::decode(&token).unwrap();
        String::from_utf8(decoded.secret.expose().to_vec()).unwrap()
    };
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    for body in [token.clone(), format!("{{\"token\":{{\"x\":\"{token}\"}}}}"), format!("{{\"{token}\":1")] {
        let answer = site.exchange(Request::new(Method::POST, "/1.0/remote-cluster", body)).await.unwrap();
        assert_eq!(answer.response.status, 400);
        let text = String::from_utf8_lossy(&answer.response.body).into_owned();
        assert!(!text.contains(&token[..40]), "{text}");
    }
    site.exchange(site.join_request(&token, Proof::Token).unwrap()).await.unwrap();
    site.heartbeat("{}").await.unwrap();
    let key = std::fs::read_to_string(hub.folder().join("connector/tls.key")).unwrap();
    let password = &hub.variables().iter().find(|(name, _)| name == "DB_PASSWORD").unwrap().1;
    let said = program.kill();
    assert!(said.contains("a cluster joined"), "the log is there: {said}");
    for (what, text) in [
        ("the token", &token[..40]),
        ("its secret", &secret),
        ("the private key", key.lines().nth(1).unwrap()),
        ("the database's password", password),
    ] {
        assert!(!said.contains(text), "{what} is in the log");
    }
}
