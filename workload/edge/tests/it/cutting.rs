//! Slow and silent clients are disconnected, and leave nothing behind.

use std::time::Duration;

use edge::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Options, TestServer, get, read_response, read_to_close, send, soon};

const SHORT: Duration = Duration::from_millis(150);

async fn server(limits: Limits) -> TestServer {
    TestServer::start(Options { limits, alpn: &[b"h2", b"http/1.1"], ..Options::default() }).await
}

#[tokio::test]
async fn silent_client_during_the_handshake() {
    let server = server(Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut socket = server.tcp().await;
    let _ = read_to_close(&mut socket).await;
    server.wait_until_closed().await;
    assert_eq!(server.handshakes("timeout"), 1);
}

#[tokio::test]
async fn handshake_byte_by_byte() {
    let server = server(Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut socket = server.tcp().await;
    // The beginning of a record that would take hours to complete.
    send(&mut socket, [0x16, 3, 1, 2, 0]).await;
    soon(async {
        while socket.write_all(&[1]).await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
    server.wait_until_closed().await;
}

#[tokio::test]
async fn silent_client_after_the_handshake() {
    let server = server(Limits { headers: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    let _ = read_to_close(&mut stream).await;
    server.wait_until_closed().await;
}

#[tokio::test]
async fn silent_client_of_http2() {
    let server = server(Limits { idle: SHORT, ..Limits::default() }).await;
    let mut stream = server.client().alpn(b"h2").connect(server.tcp().await).await.unwrap();
    let _ = read_to_close(&mut stream).await;
    server.wait_until_closed().await;
}

#[tokio::test]
async fn headers_byte_by_byte() {
    let server = server(Limits { headers: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /peer HTTP/1.1\r\nHost: x\r\n").await;
    soon(async {
        while stream.write_all(b"X: y\r\n").await.is_ok() && stream.flush().await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
    server.wait_until_closed().await;
}

#[tokio::test]
async fn body_that_stalls() {
    let server = server(Limits { idle: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").await;
    let response = read_response(&mut stream).await;
    assert_eq!((response.status, response.header("connection")), (408, Some("close")));
    read_to_close(&mut stream).await.unwrap();
    drop(stream);
    server.wait_until_closed().await;
}

#[tokio::test]
async fn body_byte_by_byte() {
    let server = server(Limits { request: SHORT, ..Limits::default() }).await;
    let (mut reading, mut writing) = tokio::io::split(server.connect().await);
    send(&mut writing, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").await;
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() && writing.flush().await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    assert_eq!(read_response(&mut reading).await.status, 408);
    soon(dripping).await.unwrap();
    server.wait_until_closed().await;
}

#[tokio::test]
async fn handler_that_never_responds() {
    let server = server(Limits { request: SHORT, ..Limits::default() }).await;
    let response = get(&mut server.connect().await, "/never").await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("10")));
}

#[tokio::test]
async fn running_handler_does_not_count_as_a_silent_client() {
    let limits = Limits { idle: SHORT, headers: SHORT, ..Limits::default() };
    let server = server(limits).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(server.started.notified()).await;
    tokio::time::sleep(SHORT * 3).await;
    server.finish.notify_one();
    assert_eq!(read_response(&mut stream).await.status, 200);
}

#[tokio::test]
async fn client_that_does_not_read() {
    let server = server(Limits { idle: SHORT, ..Limits::default() }).await;
    let (reading, mut writing) = tokio::io::split(server.connect().await);
    let one = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n";
    soon(async { while writing.write_all(one.repeat(1000).as_bytes()).await.is_ok() {} }).await;
    server.wait_until_closed().await;
    drop(reading);
}

#[tokio::test]
async fn websocket_without_pings() {
    let server = server(Limits { idle: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, crate::exchange::UPGRADE).await;
    assert_eq!(read_response(&mut stream).await.status, 101);
    let _ = read_to_close(&mut stream).await;
    server.wait_until_closed().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let server = server(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    assert_eq!(get(&mut first, "/peer").await.status, 200);
    let second = tokio::spawn(server.client().connect(server.tcp().await));
    send(&mut first, "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    soon(server.started.notified()).await;
    assert!(!second.is_finished());
    server.finish.notify_one();
    read_response(&mut first).await;
    let mut second = soon(second).await.unwrap().unwrap();
    assert_eq!(get(&mut second, "/peer").await.status, 200);
    assert_eq!(soon(first.read(&mut [0])).await.unwrap(), 0);
}
