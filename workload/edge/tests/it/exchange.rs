//! Requests and responses: the envelope of every response, bodies, closing, HTTP/2, websockets.

use edge::Limits;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt as _;

use crate::harness::{MAX_BODY_BYTES, Options, TestServer, get, read_response, read_to_close, send, soon};

pub(crate) const UPGRADE: &str = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn connector() -> TestServer {
    TestServer::start(Options { close_after_response: true, ..Options::default() }).await
}

#[tokio::test]
async fn unknown_path_is_an_envelope_with_a_request_id() {
    let server = TestServer::start(Options::default()).await;
    let response = get(&mut server.connect().await, "/nowhere").await;
    assert_eq!(response.status, 404);
    insta::assert_snapshot!(response.body, @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":404,"error":"Not Found","metadata":null}"#);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("x-request-id").unwrap().len(), 16);
}

#[tokio::test]
async fn wrong_method_is_405() {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(get(&mut server.connect().await, "/body").await.status, 405);
}

#[tokio::test]
async fn connection_is_kept_alive() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    let ids: Vec<_> = [get(&mut stream, "/peer").await, get(&mut stream, "/peer").await]
        .map(|response| response.head)
        .into();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn connector_closes_immediately_and_properly() {
    let server = connector().await;
    for path in ["/peer", "/nowhere", "/fail"] {
        let mut stream = server.connect().await;
        let response = get(&mut stream, path).await;
        assert_eq!(response.header("connection"), Some("close"));
        // The client keeps its end open: the server closes with `close_notify` and releases its socket.
        assert_eq!(read_to_close(&mut stream).await.unwrap(), b"");
        server.wait_until_closed().await;
        drop(stream);
    }
}

#[tokio::test]
async fn targets_without_a_path_do_not_panic() {
    let server = TestServer::start(Options::default()).await;
    for (target, status) in [
        ("CONNECT localhost:443", 405),
        ("GET localhost:443", 400),
        ("OPTIONS *", 404),
        ("GET http://localhost/nowhere", 404),
        ("GET http://localhost", 404),
        ("GET ?x", 400),
        ("GET /%", 404),
    ] {
        let mut stream = server.connect().await;
        send(&mut stream, format!("{target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(read_response(&mut stream).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn request_needs_exactly_one_host_header_with_any_value() {
    let server = TestServer::start(Options::default()).await;
    for (version, hosts, status) in [
        ("1.1", "", 400),
        ("1.1", "Host: localhost\r\nHost: localhost\r\n", 400),
        ("1.1", "Host: localhost\r\nhost: elsewhere\r\n", 400),
        ("1.1", "Host: remote\r\n", 200),
        ("1.1", "Host:\r\n", 200),
        ("1.0", "", 200),
        ("1.0", "Host: a\r\nHost: b\r\n", 400),
    ] {
        let mut stream = server.connect().await;
        send(&mut stream, format!("GET /peer HTTP/{version}\r\n{hosts}\r\n")).await;
        assert_eq!(read_response(&mut stream).await.status, status, "HTTP/{version} {hosts:?}");
    }
}

#[tokio::test]
async fn handler_that_panics_is_a_500_and_the_connection_stays_open() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    let response = get(&mut stream, "/panic").await;
    assert_eq!(response.status, 500);
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
}

#[tokio::test]
async fn cause_is_not_in_the_response() {
    let server = TestServer::start(Options::default()).await;
    let response = get(&mut server.connect().await, "/fail").await;
    assert_eq!(response.status, 500);
    assert!(
        response.body.contains(r#""error":"Internal Server Error""#) && !response.body.contains("secret"),
        "{response:?}"
    );
}

#[tokio::test]
async fn body_is_accepted_up_to_the_limit_declared_or_chunked() {
    let server = connector().await;
    let body = "x".repeat(MAX_BODY_BYTES);
    let declared = format!("Content-Length: {MAX_BODY_BYTES}\r\n\r\n{body}");
    let half = MAX_BODY_BYTES / 2;
    let chunk = format!("{half:x}\r\n{}\r\n", &body[..half]);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    for body in [declared, chunked] {
        let mut stream = server.connect().await;
        send(&mut stream, format!("POST /body HTTP/1.1\r\nHost: x\r\n{body}")).await;
        assert_eq!(read_response(&mut stream).await.metadata(), MAX_BODY_BYTES);
    }
}

#[tokio::test]
async fn body_above_the_limit_is_413_while_the_client_still_sends() {
    let server = connector().await;
    let body = "x".repeat(MAX_BODY_BYTES + 16_000_000);
    let declared = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (path, status, body) in
        [("body", 413, &declared), ("body", 413, &chunked), ("refuse", 403, &declared)]
    {
        // The client sends everything before it reads. If the server just closed, a reset would discard the response.
        let mut stream = server.connect().await;
        send(&mut stream, format!("POST /{path} HTTP/1.1\r\nHost: x\r\n{body}")).await;
        assert_eq!(read_response(&mut stream).await.status, status);
        assert_eq!(read_to_close(&mut stream).await.unwrap(), b"");
        drop(stream);
        server.wait_until_closed().await;
    }
}

#[tokio::test]
async fn body_that_ends_early_leaves_nothing_behind() {
    let server = connector().await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").await;
    drop(stream);
    server.wait_until_closed().await;
}

#[tokio::test]
async fn malformed_chunk_is_400() {
    let server = connector().await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n").await;
    assert_eq!(read_response(&mut stream).await.status, 400);
}

#[tokio::test]
async fn json_is_checked_in_order() {
    let server = connector().await;
    let long = format!("[\"{}\"]", "é".repeat(500));
    for (content_type, body, status) in [
        ("application/json", "[1,2]", 200),
        ("Application/JSON; charset=utf-8", "[1,2]", 200),
        ("text/plain", "[1,2]", 415),
        ("application/jsonx", "[1,2]", 415),
        ("application/json", "[1,", 400),
        ("application/json", "", 400),
        ("application/json", &long, 400),
        ("text/plain", &"x".repeat(MAX_BODY_BYTES + 1), 415),
        ("application/json", &"x".repeat(MAX_BODY_BYTES + 1), 413),
    ] {
        let mut stream = server.connect().await;
        let length = body.len();
        let head = format!("Content-Type: {content_type}\r\nContent-Length: {length}");
        send(&mut stream, format!("POST /json HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{body}")).await;
        let response = read_response(&mut stream).await;
        assert_eq!(response.status, status, "{content_type}");
        assert!(response.body.len() < 500, "{response:?}");
    }
    let mut stream = server.connect().await;
    send(&mut stream, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]").await;
    assert_eq!(read_response(&mut stream).await.status, 415, "without a content type");
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let server = connector().await;
    let mut stream = server.connect().await;
    send(&mut stream, format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(100_000))).await;
    assert_eq!(read_response(&mut stream).await.status, 431);
    let _ = read_to_close(&mut stream).await;
    drop(stream);
    server.wait_until_closed().await;
}

#[tokio::test]
async fn http2_is_used_if_it_is_offered() {
    let options = Options { alpn: &[b"h2", b"http/1.1"], close_after_response: true, ..Options::default() };
    let server = TestServer::start(options).await;
    let stream = server.client().alpn(b"h2").connect(server.tcp().await).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for (path, status) in [("peer", 200), ("nowhere", 404), ("panic", 500)] {
        let request = http::Request::get(format!("https://localhost/{path}")).body(String::new()).unwrap();
        let response = soon(sender.send_request(request)).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.headers().contains_key("x-request-id"));
        soon(response.into_body().collect()).await.unwrap();
    }
    drop(sender);
    let _ = soon(connection).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn http2_is_not_used_if_it_is_not_offered() {
    let server = connector().await;
    let mut stream = server.client().alpn(b"http/1.1").connect(server.tcp().await).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), None);
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
}

#[tokio::test]
async fn websocket_outlives_its_request() {
    let limits = Limits { request: std::time::Duration::from_millis(50), ..Limits::default() };
    let server =
        TestServer::start(Options { limits, close_after_response: true, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, UPGRADE).await;
    let response = read_response(&mut stream).await;
    assert_eq!((response.status, response.header("connection")), (101, Some("upgrade")));
    tokio::time::sleep(limits.request * 2).await;
    // "hi", masked with zeros because clients must mask; the echo is not masked.
    send(&mut stream, [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    let mut echo = [0; 4];
    soon(stream.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    drop(stream);
    server.wait_until_closed().await;
}
