//! The end of a server: what was accepted is finished, what is idle goes, what clings is cut.

use std::time::Duration;

use edge::Limits;
use tokio::io::AsyncReadExt as _;

use crate::exchange::UPGRADE;
use crate::harness::{Options, TestServer, get, read_answer, read_to_close, send, soon};

#[tokio::test]
async fn an_accepted_request_is_finished_and_nothing_more_is_accepted() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(server.begun.notified()).await;

    server.shutdown.cancel();
    soon(async {
        while tokio::net::TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!server.serving.is_finished());

    server.finish.notify_one();
    let answer = read_answer(&mut stream).await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    read_to_close(&mut stream).await.unwrap();
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed_at_once() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
    server.shutdown.cancel();
    let closed = tokio::time::timeout(Duration::from_secs(1), read_to_close(&mut stream)).await;
    assert_eq!(closed.unwrap().unwrap(), b"");
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn a_fresh_connection_may_still_ask_its_question() {
    let server = TestServer::start(Options::default()).await;
    let mut stream = server.connect().await;
    server.shutdown.cancel();
    assert_eq!(get(&mut stream, "/peer").await.status, 200);
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn those_who_never_ask_do_not_hold_it_up() {
    let server = TestServer::start(Options::default()).await;
    let (_silent, _without_tls) = (server.connect().await, server.tcp().await);
    server.stop().await;
}

#[tokio::test]
async fn a_websocket_is_told() {
    let server = TestServer::start(Options { close_after_response: true, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, UPGRADE).await;
    assert_eq!(read_answer(&mut stream).await.status, 101);
    server.shutdown.cancel();
    assert_eq!(soon(stream.read_u8()).await.unwrap(), 0x88, "a close frame");
    drop(stream);
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn what_clings_is_cut_at_the_limit() {
    let limits = Limits { drain: Duration::from_millis(100), ..Limits::default() };
    let server = TestServer::start(Options { limits, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    while server.metric("handshakes_total{server=\"test\",outcome=\"ok\"}") == 0 {
        tokio::task::yield_now().await;
    }
    server.shutdown.cancel();
    assert!(read_to_close(&mut stream).await.is_err(), "there is no answer to read");
    soon(server.serving).await.unwrap();
}
