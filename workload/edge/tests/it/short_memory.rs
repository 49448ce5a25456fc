//! What is refused when the process' memory is short.

use edge::{Limits, MemoryBudget, ProxyPolicy};

use crate::harness::{MAX_BODY_BYTES, Options, TestServer, get, read_response, send};

const LIMIT: u64 = 1_000_000_000;

async fn server(has_large_responses: bool, memory: &MemoryBudget) -> TestServer {
    TestServer::start(Options { has_large_responses, memory: memory.clone(), ..Options::default() }).await
}

/// The status, and when to retry.
async fn post(server: &TestServer, bytes: usize, chunked: bool) -> (u16, Option<String>) {
    let mut stream = server.connect().await;
    let body = "x".repeat(bytes);
    let request = if chunked {
        format!("Transfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{body}\r\n0\r\n\r\n")
    } else {
        format!("Content-Length: {bytes}\r\n\r\n{body}")
    };
    send(&mut stream, format!("POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{request}")).await;
    let response = read_response(&mut stream).await;
    (response.status, response.header("retry-after").map(str::to_owned))
}

#[tokio::test]
async fn large_requests_are_refused_and_small_ones_are_not() {
    let memory = MemoryBudget::new(Some(LIMIT));
    let server = server(false, &memory).await;
    assert_eq!(post(&server, MAX_BODY_BYTES, false).await.0, 200);
    memory.judge(LIMIT * 85 / 100);
    for chunked in [false, true] {
        assert_eq!(post(&server, MAX_BODY_BYTES, chunked).await, (503, Some("10".to_owned())));
    }
    assert_eq!(post(&server, 60_000, false).await.0, 200);
    assert_eq!(get(&mut server.connect().await, "/peer").await.status, 200);
    memory.judge(LIMIT / 2);
    assert_eq!(post(&server, MAX_BODY_BYTES, true).await.0, 200);
}

#[tokio::test]
async fn small_heartbeats_pass_to_the_end() {
    let memory = MemoryBudget::new(Some(LIMIT));
    let server = server(false, &memory).await;
    let mut stream = server.connect().await;
    memory.judge(LIMIT * 95 / 100);
    assert_eq!(get(&mut stream, "/known/1").await.status, 200);
    assert_eq!(post(&server, 10_000, false).await.0, 200, "its network is known");
}

#[tokio::test]
async fn server_with_large_responses_refuses_everything_in_the_end() {
    let memory = MemoryBudget::new(Some(LIMIT));
    let server = server(true, &memory).await;
    let mut stream = server.connect().await;
    memory.judge(LIMIT * 85 / 100);
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
    memory.judge(LIMIT * 95 / 100);
    assert_eq!(get(&mut stream, "/peer").await.status, 503);
}

#[tokio::test]
async fn unknown_networks_get_no_connections_in_the_end() {
    let memory = MemoryBudget::new(Some(LIMIT));
    let proxy = ProxyPolicy { trusted: vec!["127.0.0.0/8".parse().unwrap()] };
    let limits = Limits::default();
    let options = Options { memory: memory.clone(), proxy, limits, ..Options::default() };
    let server = TestServer::start(options).await;
    let from = async |address: &str| {
        let mut socket = server.tcp().await;
        send(&mut socket, format!("PROXY TCP4 {address} 198.51.100.1 1000 443\r\n")).await;
        server.client().connect(socket).await
    };
    assert_eq!(get(&mut from("192.0.2.1").await.unwrap(), "/known/1").await.status, 200);
    memory.judge(LIMIT * 95 / 100);
    assert!(from("198.51.100.7").await.is_err());
    assert_eq!(get(&mut from("192.0.2.2").await.unwrap(), "/peer").await.status, 200);
    assert_eq!(server.closed("reserved"), 1);
}
