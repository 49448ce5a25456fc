//! Heads of requests and responses: the daemon's, others', and those that the standards forbid.

use agent::client::{ClusterClient, Identity, Tls, Trust};
use harness::Hub;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{CLUSTER, HEARTBEAT, direct};

const DAEMON: &str = "Host: remote\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n";

/// Sends a request as it is. Returns everything up to the end of the connection, which the server must close while the
/// client keeps its side open.
async fn raw(hub: &Hub, identity: &Identity, request: &str) -> String {
    let config = Tls::shared().unwrap().config(identity, &Trust::Anyone).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", hub.address.port())).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(config).connect(name, socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let limit = std::time::Duration::from_secs(5);
    // Closed without TLS's `close_notify` counts as well.
    let _ = tokio::time::timeout(limit, stream.read_to_end(&mut response)).await.expect("it is closed");
    String::from_utf8(response).unwrap().to_ascii_lowercase()
}

fn post(path: &str, heads: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\n{heads}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn join_body(site: &ClusterClient, token: &str) -> String {
    let body = agent::client::join_body(&site.name, &site.keys.certificate_pem(), Some(token));
    String::from_utf8(body.to_vec()).unwrap()
}

fn assert_empty(response: &str) {
    assert!(response.starts_with("http/1.1 200"), "{response}");
    assert!(response.contains("\r\ncontent-length: 0\r\n"), "{response}");
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    assert!(!response.contains("content-type") && response.ends_with("\r\n\r\n"), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn daemon_gets_an_empty_200_and_readable_errors() {
    let hub = Hub::start().await;
    let token = hub.token("a");
    let site = ClusterClient::from_token(&token, harness::hub::keys("a")).unwrap();
    let identity = site.keys.identity();
    assert_empty(&raw(&hub, &identity, &post(CLUSTER, DAEMON, &join_body(&site, &token))).await);
    assert_empty(&raw(&hub, &identity, &post(HEARTBEAT, DAEMON, "{}")).await);
    assert_eq!(hub.shown("a")["health"]["state"], "fresh");
    let leave = format!("DELETE {CLUSTER} HTTP/1.1\r\n{DAEMON}\r\n");
    assert_empty(&raw(&hub, &identity, &leave).await);
    let again = raw(&hub, &identity, &leave).await;
    assert!(again.starts_with("http/1.1 403") && again.contains(r#""error":"forbidden""#), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_else_gets_the_envelope() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    for heads in [
        "Host: localhost\r\nUser-Agent: Go-http-client/1.1\r\n",
        "Host: remote\r\nUser-Agent: curl/8.0\r\n",
        "Host: remote\r\n",
    ] {
        let response = raw(&hub, &site.keys.identity(), &post(HEARTBEAT, heads, "{}")).await;
        assert!(response.starts_with("http/1.1 200"), "{heads}: {response}");
        assert!(response.contains("next_update_in_seconds"), "{heads}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_closed_right_after_its_response() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let upgrade = "GET /1.0/remote-cluster/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n".to_owned(), 200),
        ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 200),
        ("GET /1.0/status HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 200),
        ("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
        ("PUT / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405),
        ("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405),
        ("no request at all\r\n\r\n".to_owned(), 400),
        (upgrade.to_owned(), 501),
        (post(HEARTBEAT, "Host: x\r\n", "{}"), 200),
        (post(HEARTBEAT, "Host: x\r\n", "no JSON"), 400),
        (post(CLUSTER, "Host: x\r\n", "{}"), 400),
    ] {
        let response = raw(&hub, &site.keys.identity(), &request).await;
        assert!(response.starts_with(&format!("http/1.1 {status}")), "{request}: {response}");
        assert!(response.contains("\r\nconnection: close\r\n"), "{request}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_needs_exactly_one_host_of_any_value() {
    let hub = Hub::start().await;
    for (hosts, status) in
        [("", 400), ("Host: x\r\nHost: x\r\n", 400), ("Host: remote\r\n", 200), ("Host: [::1]:x\r\n", 200)]
    {
        let response =
            raw(&hub, &Identity::None, &format!("GET / HTTP/1.1\r\n{hosts}Accept: */*\r\n\r\n")).await;
        assert!(response.starts_with(&format!("http/1.1 {status}")), "{hosts:?}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_heads_of_get_and_no_body() {
    let hub = Hub::start().await;
    let response = async |method: &str, path: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let response = raw(&hub, &Identity::None, &request).await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let is_steady = |line: &&str| !line.starts_with("date:") && !line.starts_with("x-request-id:");
        // Headers have no order.
        let mut lines: Vec<_> = head.lines().filter(is_steady).map(str::to_owned).collect();
        lines.sort_unstable();
        (lines, body.len())
    };
    for path in ["/", "/1.0/status"] {
        let (get, head) = (response("GET", path).await, response("HEAD", path).await);
        assert_eq!(get.0, head.0);
        assert!(get.1 > 0 && head.1 == 0, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_limited_like_strangers() {
    let database = store::testing::empty_database().await.unwrap();
    let limits = [("RATE_LIMIT_BUCKET_SIZE", "20"), ("RATE_LIMIT_REFILL_RATE", "1")];
    let mut hub = Hub::without_units(database, &limits);
    hub.add_unit().await;
    let site = hub.enrol("a").await;
    let strangers = async |method: &Method, path| {
        direct(&hub, method.clone(), path, Identity::None).await.unwrap().status.as_u16()
    };
    let mut refused = 0;
    for number in 0..60 {
        let (method, path, expected) =
            if number % 2 == 0 { (Method::GET, "/nowhere", 404) } else { (Method::PUT, "/", 405) };
        match strangers(&method, path).await {
            429 => refused += 1,
            status => assert_eq!(status, expected),
        }
    }
    assert!(refused > 0);
    assert_eq!(strangers(&Method::GET, "/").await, 200, "probes are counted apart");
    // An enrolled cluster has a bucket of its own.
    assert_eq!(direct(&hub, Method::GET, "/nowhere", site.keys.identity()).await.unwrap().status, 404);
}
