//! HTTP as its standards have it: HEAD, `Host`, coded bodies.

use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::harness::{HttpResponse, Options, TestServer, read_response, read_to_close, send, soon};

async fn server() -> TestServer {
    TestServer::start(Options { alpn: &[b"h2", b"http/1.1"], ..Options::default() }).await
}

async fn http2(server: &TestServer) -> SendRequest<Empty<bytes::Bytes>> {
    let stream = server.client().alpn(b"h2").connect(server.tcp().await).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The response to one request, and every byte after its head.
async fn whole(server: &TestServer, method: &str, path: &str) -> (u16, Vec<String>, Vec<u8>) {
    let mut stream = server.connect().await;
    send(&mut stream, format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    let bytes = read_to_close(&mut stream).await.unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let varies = |line: &&str| line.starts_with("date:") || line.starts_with("x-request-id:");
    let mut headers: Vec<String> =
        head.lines().skip(1).filter(|line| !varies(line)).map(str::to_owned).collect();
    headers.sort();
    (status, headers, bytes[end + 4..].to_vec())
}

const PATHS: [&str; 6] = ["/any", "/nowhere", "/body", "/panic", "/fail", "/empty"];

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = server().await;
    for path in PATHS {
        let (status, headers, body) = whole(&server, "GET", path).await;
        let (head_status, head_headers, head_body) = whole(&server, "HEAD", path).await;
        assert_eq!((head_status, head_headers), (status, headers), "{path}");
        assert_eq!(body.is_empty(), path == "/empty", "{path}");
        assert!(head_body.is_empty(), "{path}: {head_body:?}");
    }
}

#[tokio::test]
async fn head_over_http2_sends_no_data() {
    let server = server().await;
    let mut sender = http2(&server).await;
    for path in PATHS {
        let mut responses = Vec::new();
        for method in [http::Method::GET, http::Method::HEAD] {
            let request = http::Request::builder().method(&method).uri(format!("https://localhost{path}"));
            let response = soon(sender.send_request(request.body(Empty::new()).unwrap())).await.unwrap();
            let (head, mut body) = response.into_parts();
            let frame = soon(body.frame()).await.transpose().unwrap();
            if method == http::Method::HEAD {
                assert!(frame.is_none(), "{path}: {frame:?}");
            }
            let mut headers = head.headers;
            headers.remove("date");
            headers.remove("x-request-id");
            responses.push((head.status, headers));
        }
        assert_eq!(responses[0], responses[1], "{path}");
    }
}

#[tokio::test]
async fn request_without_host_or_with_two_is_400() {
    let server = server().await;
    for (version, hosts, status) in [
        ("1.1", "", 400),
        ("1.1", "Host: a\r\nHost: b\r\n", 400),
        ("1.1", "Host: a\r\nHost: a\r\n", 400),
        ("1.0", "Host: a\r\nHost: b\r\n", 400),
        ("1.1", "Host: remote\r\n", 200),
        ("1.1", "Host: 10.1.2.3:9000\r\n", 200),
        ("1.1", "Host:\r\n", 200),
        ("1.0", "", 200),
    ] {
        let mut stream = server.connect().await;
        send(&mut stream, format!("GET /peer HTTP/{version}\r\n{hosts}\r\n")).await;
        assert_eq!(read_response(&mut stream).await.status, status, "HTTP/{version} {hosts:?}");
    }
}

#[tokio::test]
async fn http2_request_whose_host_differs_from_its_authority_is_400() {
    let server = server().await;
    let mut sender = http2(&server).await;
    for (host, status) in [("localhost", 200), ("evil.example", 400)] {
        let request = http::Request::get("https://localhost/peer").header("host", host);
        let response = soon(sender.send_request(request.body(Empty::new()).unwrap())).await.unwrap();
        assert_eq!(response.status(), status, "{host}");
    }
}

#[tokio::test]
async fn coded_body_is_415_and_says_what_is_accepted() {
    let server = server().await;
    let post = async |path: &str, codings: &str| -> HttpResponse {
        let mut stream = server.connect().await;
        let head = format!("Host: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{codings}");
        send(&mut stream, format!("POST {path} HTTP/1.1\r\n{head}\r\n[]")).await;
        read_response(&mut stream).await
    };
    for path in ["/body", "/json"] {
        for coding in ["gzip", "GZIP", "identity, br", "x-new", "aws-chunked", "\u{fe}"] {
            let response = post(path, &format!("Content-Encoding: {coding}\r\n")).await;
            assert_eq!(response.status, 415, "{path} {coding}");
            assert_eq!(response.header("accept-encoding"), Some("identity"));
            assert!(response.body.contains("Content-Encoding"), "{response:?}");
        }
        let twice = post(path, "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n").await;
        assert_eq!(twice.status, 415, "{path}");
        for codings in ["", "Content-Encoding: identity\r\n", "Content-Encoding: Identity , identity\r\n"] {
            assert_eq!(post(path, codings).await.status, 200, "{path} {codings:?}");
        }
    }
}
