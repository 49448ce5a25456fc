//! The maximum age of connections, and what outlives it.

use std::time::Duration;

use edge::Limits;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::exchange::UPGRADE;
use crate::h2;
use crate::harness::{Options, TestServer, get, read_response, read_to_close, send, soon};

const AGE: Duration = Duration::from_millis(300);

async fn server() -> TestServer {
    let limits = Limits { max_age: AGE, ..Limits::default() };
    TestServer::start(Options { limits, alpn: &[b"h2", b"http/1.1"], ..Options::default() }).await
}

#[tokio::test]
async fn old_connection_is_closed_although_it_is_used() {
    let server = server().await;
    let mut stream = server.connect().await;
    let one = "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n";
    soon(async {
        while stream.write_all(one.as_bytes()).await.is_ok() {
            if !stream.read(&mut [0; 1000]).await.is_ok_and(|read| read > 0) {
                return;
            }
        }
    })
    .await;
    assert_eq!(server.closed("old"), 1);
    server.wait_until_closed().await;
}

#[tokio::test]
async fn old_connection_of_http2_is_closed_after_its_requests() {
    let server = server().await;
    let mut client = h2::connect(&server, 65_535).await;
    let slow = http::Request::get("https://localhost/slow").body(String::new()).unwrap();
    let slow = tokio::spawn(client.requests.send_request(slow));
    soon(server.started.notified()).await;
    server.wait_for("closed_by_limit_total{server=\"test\",reason=\"old\"}", 1).await;
    tokio::time::sleep(AGE / 2).await;
    server.finish.notify_one();
    assert_eq!(soon(slow).await.unwrap().unwrap().status(), 200);
    soon(client.driver).await.unwrap().unwrap();
    server.wait_until_closed().await;
}

#[tokio::test]
async fn websocket_outlives_the_maximum_age() {
    let server = server().await;
    let mut stream = server.connect().await;
    send(&mut stream, UPGRADE).await;
    assert_eq!(read_response(&mut stream).await.status, 101);
    tokio::time::sleep(AGE * 4).await;
    send(&mut stream, [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    let mut echo = [0; 4];
    soon(stream.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
}

#[tokio::test]
async fn stream_of_events_outlives_the_maximum_age() {
    let server = server().await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut body = h2::connect(&server, 65_535).await.get("/events").await.unwrap().into_body();
    let end = tokio::time::Instant::now() + AGE * 10;
    while tokio::time::Instant::now() < end {
        assert!(soon(stream.read(&mut [0; 1000])).await.unwrap() > 0);
        assert!(soon(body.frame()).await.is_some_and(|frame| frame.is_ok()));
    }
    assert_eq!(server.closed("old"), 2);
}

#[tokio::test]
async fn response_without_an_end_does_not_outlive_it_twice() {
    let server = server().await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(read_to_close(&mut stream).await.is_err(), "there is no response");
    server.wait_until_closed().await;
    assert_eq!(get(&mut server.connect().await, "/peer").await.status, 200);
}
