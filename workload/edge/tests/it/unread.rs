//! Responses that clients do not read: what they hold is bounded, and they are cut.

use std::time::Duration;

use edge::Limits;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

use crate::h2;
use crate::harness::{Options, TestServer, get, send, soon};
use crate::routes::DOCUMENT_BYTES;

const IDLE: Duration = Duration::from_millis(400);
const UNREAD: &str = "unread_response_bytes{server=\"test\"}";

async fn server(limits: Limits) -> TestServer {
    TestServer::start(Options { limits, alpn: &[b"h2", b"http/1.1"], ..Options::default() }).await
}

/// Opens connections with closed windows and sends a hundred requests on each. Returns the most that was unread.
async fn flood(server: &TestServer, connections: usize, path: &'static str) -> u64 {
    let mut requests = JoinSet::new();
    for _ in 0..connections {
        let client = h2::connect(server, 0).await;
        for _ in 0..100 {
            let mut sender = client.requests.clone();
            let request = http::Request::get(format!("https://localhost{path}")).body(String::new()).unwrap();
            requests.spawn(async move {
                let response = sender.send_request(request).await;
                if let Ok(response) = response {
                    let _ = response.into_body().collect().await;
                }
            });
        }
    }
    let mut most = 0;
    while !requests.is_empty() {
        most = most.max(server.metric(UNREAD));
        let _ = tokio::time::timeout(Duration::from_millis(5), requests.join_next()).await;
    }
    most
}

async fn wait_until_all_is_read(server: &TestServer) {
    soon(async {
        while server.metric(UNREAD) > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_windows_hold_little_and_end_although_they_ping() {
    let limits = Limits { idle: IDLE, ..Limits::default() };
    let server = server(limits).await;
    let most = soon(Box::pin(flood(&server, 45, "/document"))).await;
    let copies = 45 * 100 * DOCUMENT_BYTES as u64;
    assert!((1..=45 * 64 * 4096).contains(&most), "{most} of {copies}");
    server.wait_until_closed().await;
    assert!(server.closed("stalled") > 0);
    wait_until_all_is_read(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_windows_hold_no_more_than_their_network_may() {
    let limits = Limits {
        idle: IDLE,
        unread_per_connection: 512 << 10,
        unread_per_client: 1 << 20,
        ..Limits::default()
    };
    let server = server(limits).await;
    let most = soon(Box::pin(flood(&server, 8, "/own/100000"))).await;
    assert!((512 << 10..=3 << 20).contains(&most), "{most}");
    server.wait_until_closed().await;
    wait_until_all_is_read(&server).await;
}

#[tokio::test]
async fn unread_responses_of_a_connection_have_a_limit() {
    let server = server(Limits { unread_per_connection: 250_000, ..Limits::default() }).await;
    let mut client = h2::connect(&server, 1000).await;
    let first = client.get("/own/100000").await.unwrap();
    let _second = client.get("/own/100000").await.unwrap();
    let refused = client.get("/own/100000").await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"5".parse().unwrap()));
    assert_eq!(client.get("/peer").await.unwrap().status(), 200, "small ones go on");
    assert!(soon(first.into_body().collect()).await.unwrap().to_bytes().len() > 100_000);
    assert_eq!(client.get("/own/100000").await.unwrap().status(), 200);
}

#[tokio::test]
async fn single_large_response_is_sent() {
    let server = server(Limits { unread_per_connection: 100_000, ..Limits::default() }).await;
    let response = get(&mut server.connect().await, "/own/5000000").await;
    assert!(response.status == 200 && response.body.len() > 5_000_000);
    let response = h2::connect(&server, 65_535).await.get("/own/5000000").await.unwrap();
    assert!(soon(response.into_body().collect()).await.unwrap().to_bytes().len() > 5_000_000);
    wait_until_all_is_read(&server).await;
}

#[tokio::test]
async fn full_network_does_not_stop_those_who_are_authenticated() {
    let server = server(Limits { unread_per_client: 150_000, ..Limits::default() }).await;
    let mut stranger = h2::connect(&server, 1000).await;
    let _unread = stranger.get("/own/100000").await.unwrap();
    let (mut other, mut known) = (h2::connect(&server, 1000).await, h2::connect(&server, 1000).await);
    assert_eq!(other.get("/own/100000").await.unwrap().status(), 429);
    assert_eq!(known.get("/known/1").await.unwrap().status(), 200);
    assert_eq!(known.get("/own/100000").await.unwrap().status(), 200);
}

#[tokio::test]
async fn response_that_is_read_slowly_is_sent_to_its_end() {
    let server = server(Limits { idle: IDLE, ..Limits::default() }).await;
    let mut client = h2::connect(&server, 16_384).await;
    let mut body = client.get("/own/200000").await.unwrap().into_body();
    let mut bytes = 0;
    while let Some(frame) = soon(body.frame()).await {
        bytes += frame.unwrap().data_ref().map_or(0, bytes::Bytes::len);
        tokio::time::sleep(IDLE / 8).await;
    }
    assert!(bytes > 200_000);
    assert_eq!(server.closed("stalled"), 0);
}

#[tokio::test]
async fn stream_that_is_not_read_is_reset_and_the_others_go_on() {
    let server = server(Limits { idle: IDLE, ..Limits::default() }).await;
    let mut client = h2::connect(&server, 40_000).await;
    let mut unread = client.get("/own/300000").await.unwrap().into_body();
    let stalled = "closed_by_limit_total{server=\"test\",reason=\"stalled\"}";
    soon(async {
        while server.metric(stalled) == 0 {
            assert_eq!(client.get("/peer").await.unwrap().status(), 200);
        }
    })
    .await;
    let ended = soon(async {
        loop {
            match unread.frame().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Some(error),
                None => return None,
            }
        }
    });
    assert!(ended.await.is_some(), "reset");
    assert_eq!(client.get("/peer").await.unwrap().status(), 200);
    assert!(!client.driver.is_finished());
}

#[tokio::test]
async fn pings_do_not_keep_an_idle_connection() {
    let server = server(Limits { idle: IDLE, ..Limits::default() }).await;
    let (mut used, unused) = (h2::connect(&server, 65_535).await, h2::connect(&server, 65_535).await);
    assert_eq!(used.get("/peer").await.unwrap().status(), 200);
    let _ = soon(async { tokio::join!(used.driver, unused.driver) }).await;
    server.wait_until_closed().await;
}

#[tokio::test]
async fn flood_of_pings_is_cut_and_delays_nobody() {
    // Length 8, type PING, no flags, stream 0.
    let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let server = server(Limits::default()).await;
    let stream = server.client().alpn(b"h2").connect(server.tcp().await).await.unwrap();
    let (_unread, mut writing) = tokio::io::split(stream);
    send(&mut writing, [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat()).await;
    let many = ping.repeat(1000);
    let mut sent = 0;
    soon(async {
        while writing.write_all(&many).await.is_ok() && writing.flush().await.is_ok() {
            sent += many.len();
        }
    })
    .await;
    assert!(sent < 20_000_000, "{sent}");
    server.wait_until_closed().await;
}

#[tokio::test]
async fn large_response_that_nobody_reads_is_cut_on_http1() {
    let server = server(Limits { idle: IDLE, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /own/30000000 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.wait_for(UNREAD, 1_000_000).await;
    server.wait_until_closed().await;
    wait_until_all_is_read(&server).await;
}
