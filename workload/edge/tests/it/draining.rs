//! The end of a server: accepted requests are completed, idle connections are closed, and the rest is cut at the limit.

use std::time::Duration;

use edge::Limits;
use tokio::io::AsyncReadExt as _;

use crate::exchange::UPGRADE;
use crate::harness::{Options, TestServer, get, read_response, read_to_close, send, soon};

#[tokio::test]
async fn accepted_request_is_completed_and_no_more_are_accepted() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(server.started.notified()).await;

    server.shutdown.cancel();
    soon(async {
        while tokio::net::TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!server.serving.is_finished());

    server.finish.notify_one();
    let response = read_response(&mut stream).await;
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    read_to_close(&mut stream).await.unwrap();
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn idle_connection_is_closed_immediately() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
    server.shutdown.cancel();
    let closed = tokio::time::timeout(Duration::from_secs(1), read_to_close(&mut stream)).await;
    assert_eq!(closed.unwrap().unwrap(), b"");
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn new_connection_may_still_send_a_request() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    server.shutdown.cancel();
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn connections_without_a_request_do_not_delay_the_drain() {
    let server = TestServer::start(Options::default()).await;
    let (_silent, _without_tls) = (server.connect().await, server.tcp().await);
    server.stop().await;
}

#[tokio::test]
async fn websocket_is_closed() {
    let server = TestServer::start(Options { close_after_response: true, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, UPGRADE).await;
    assert_eq!(read_response(&mut stream).await.status, 101);
    server.shutdown.cancel();
    assert_eq!(soon(stream.read_u8()).await.unwrap(), 0x88, "a close frame");
    drop(stream);
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn remaining_connections_are_cut_at_the_limit() {
    let limits = Limits { drain: Duration::from_millis(100), ..Limits::default() };
    let server = TestServer::start(Options { limits, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    while server.metric("handshakes_total{server=\"test\",outcome=\"ok\"}") == 0 {
        tokio::task::yield_now().await;
    }
    server.shutdown.cancel();
    assert!(read_to_close(&mut stream).await.is_err(), "there is no response");
    soon(server.serving).await.unwrap();
}
