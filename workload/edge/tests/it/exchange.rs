//! Requests and answers: the envelope on every way out, bodies, closing, HTTP/2, websockets.

use edge::Limits;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt as _;

use crate::harness::{BODY_LIMIT, Options, TestServer, get, read_answer, read_to_close, send, soon};

pub(crate) const UPGRADE: &str = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn connector() -> TestServer {
    TestServer::start(Options { close_after_response: true, ..Options::default() }).await
}

#[tokio::test]
async fn an_unknown_path_is_an_envelope_with_an_id() {
    let server = TestServer::start(Options::default()).await;
    let answer = get(&mut server.connect().await, "/nowhere").await;
    assert_eq!(answer.status, 404);
    insta::assert_snapshot!(answer.body, @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":404,"error":"Not Found","metadata":null}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-request-id").unwrap().len(), 16);
}

#[tokio::test]
async fn a_wrong_method_is_405() {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(get(&mut server.connect().await, "/body").await.status, 405);
}

#[tokio::test]
async fn kept_alive_until_the_client_leaves() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    let ids: Vec<_> =
        [get(&mut stream, "/peer").await, get(&mut stream, "/peer").await].map(|answer| answer.head).into();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_connector_closes_at_once_and_properly() {
    let server = connector().await;
    for path in ["/peer", "/nowhere", "/fail"] {
        let mut stream = server.connect().await;
        let answer = get(&mut stream, path).await;
        assert_eq!(answer.header("connection"), Some("close"));
        // The client stays: it is the server that ends it, with TLS's goodbye, and lets go of its socket.
        assert_eq!(read_to_close(&mut stream).await.unwrap(), b"");
        server.deserted().await;
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
        assert_eq!(read_answer(&mut stream).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_and_the_connection_lives() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    let answer = get(&mut stream, "/panic").await;
    assert_eq!(answer.status, 500);
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
}

#[tokio::test]
async fn a_cause_is_not_told() {
    let server = TestServer::start(Options::default()).await;
    let answer = get(&mut server.connect().await, "/fail").await;
    assert_eq!(answer.status, 500);
    assert!(
        answer.body.contains(r#""error":"Internal Server Error""#) && !answer.body.contains("secret"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_body_is_taken_up_to_its_limit_declared_or_chunked() {
    let server = connector().await;
    let body = "x".repeat(BODY_LIMIT);
    let declared = format!("Content-Length: {BODY_LIMIT}\r\n\r\n{body}");
    let half = BODY_LIMIT / 2;
    let chunk = format!("{half:x}\r\n{}\r\n", &body[..half]);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    for body in [declared, chunked] {
        let mut stream = server.connect().await;
        send(&mut stream, format!("POST /body HTTP/1.1\r\nHost: x\r\n{body}")).await;
        assert_eq!(read_answer(&mut stream).await.metadata(), BODY_LIMIT);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_while_the_client_still_sends() {
    let server = connector().await;
    let body = "x".repeat(BODY_LIMIT + 16_000_000);
    let declared = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (path, status, body) in
        [("body", 413, &declared), ("body", 413, &chunked), ("refuse", 403, &declared)]
    {
        // The client writes all of it before it reads: without care the answer would be lost in a reset.
        let mut stream = server.connect().await;
        send(&mut stream, format!("POST /{path} HTTP/1.1\r\nHost: x\r\n{body}")).await;
        assert_eq!(read_answer(&mut stream).await.status, status);
        assert_eq!(read_to_close(&mut stream).await.unwrap(), b"");
        drop(stream);
        server.deserted().await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing_behind() {
    let server = connector().await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").await;
    drop(stream);
    server.deserted().await;
}

#[tokio::test]
async fn a_broken_chunk_is_400() {
    let server = connector().await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n").await;
    assert_eq!(read_answer(&mut stream).await.status, 400);
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
        ("text/plain", &"x".repeat(BODY_LIMIT + 1), 415),
        ("application/json", &"x".repeat(BODY_LIMIT + 1), 413),
    ] {
        let mut stream = server.connect().await;
        let length = body.len();
        let head = format!("Content-Type: {content_type}\r\nContent-Length: {length}");
        send(&mut stream, format!("POST /json HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{body}")).await;
        let answer = read_answer(&mut stream).await;
        assert_eq!(answer.status, status, "{content_type}");
        assert!(answer.body.len() < 500, "{answer:?}");
    }
    let mut stream = server.connect().await;
    send(&mut stream, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]").await;
    assert_eq!(read_answer(&mut stream).await.status, 415, "without a content type");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = connector().await;
    let mut stream = server.connect().await;
    send(&mut stream, format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(100_000))).await;
    assert_eq!(read_answer(&mut stream).await.status, 431);
    let _ = read_to_close(&mut stream).await;
    drop(stream);
    server.deserted().await;
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
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
async fn http2_is_not_spoken_where_it_is_not_offered() {
    let server = connector().await;
    let mut stream = server.client().alpn(b"http/1.1").connect(server.tcp().await).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), None);
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
}

#[tokio::test]
async fn a_websocket_outlives_its_request() {
    let limits = Limits { request: std::time::Duration::from_millis(50), ..Limits::default() };
    let server =
        TestServer::start(Options { limits, close_after_response: true, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, UPGRADE).await;
    let answer = read_answer(&mut stream).await;
    assert_eq!((answer.status, answer.header("connection")), (101, Some("upgrade")));
    tokio::time::sleep(limits.request * 2).await;
    // "hi" masked with zeros, as a client must; it comes back unmasked.
    send(&mut stream, [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    let mut echo = [0; 4];
    soon(stream.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    drop(stream);
    server.deserted().await;
}
