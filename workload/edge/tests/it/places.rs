//! How many connections networks and clients may have.

use std::time::Duration;

use edge::{Limits, ProxyPolicy};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::harness::{Options, Stream, TestServer, get, send, soon};

async fn server(limits: Limits) -> TestServer {
    TestServer::start(Options { limits, ..Options::default() }).await
}

/// A server whose clients all come through a balancer.
async fn balanced(limits: Limits) -> TestServer {
    let proxy = ProxyPolicy { trusted: vec!["127.0.0.0/8".parse().unwrap()] };
    TestServer::start(Options { limits, proxy, ..Options::default() }).await
}

/// A socket of the client with this address, as the balancer connects it.
async fn from(server: &TestServer, address: &str) -> TcpStream {
    let mut socket = server.tcp().await;
    send(&mut socket, format!("PROXY TCP4 {address} 198.51.100.1 1000 443\r\n")).await;
    socket
}

async fn is_closed(mut socket: TcpStream) -> bool {
    soon(socket.read(&mut [0])).await.is_ok_and(|read| read == 0)
}

async fn connect(server: &TestServer, socket: TcpStream) -> Stream {
    server.client().connect(socket).await.unwrap()
}

/// Waits until a connection was refused, or one had to give way because opening them took longer than three seconds.
async fn wait_for_a_refusal(server: &TestServer) {
    soon(async {
        while server.closed("network") + server.closed("evicted") == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn silent_sockets_of_one_network_have_a_limit() {
    let server = server(Limits { connections_per_network: 3, ..Limits::default() }).await;
    let _held = [server.tcp().await, server.tcp().await, server.tcp().await, server.tcp().await];
    wait_for_a_refusal(&server).await;
    assert!(server.metric("connections_open{server=\"test\"}") <= 3);
}

#[tokio::test]
async fn silent_sockets_give_way_after_three_seconds() {
    let server = server(Limits { connections_per_network: 3, ..Limits::default() }).await;
    let [oldest, _second, _third] = [server.tcp().await, server.tcp().await, server.tcp().await];
    server.wait_for("connections_open{server=\"test\"}", 3).await;
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(get(&mut server.connect().await, "/peer").await.status, 200);
    assert!(is_closed(oldest).await);
    assert_eq!(server.closed("evicted"), 1);
}

#[tokio::test]
async fn addresses_in_proxy_headers_are_the_ones_that_count() {
    let server = balanced(Limits { connections_per_network: 3, ..Limits::default() }).await;
    let mut held = Vec::new();
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let mut stream = connect(&server, from(&server, address).await).await;
        // A busy connection does not give way.
        send(&mut stream, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
        soon(server.started.notified()).await;
        held.push(stream);
    }
    assert!(server.client().connect(from(&server, "192.0.2.4").await).await.is_err());
    assert_eq!(server.closed("network"), 1);
    let mut other = connect(&server, from(&server, "198.51.100.1").await).await;
    assert_eq!(get(&mut other, "/peer").await.status, 200);
}

#[tokio::test]
async fn authenticated_clients_of_one_address_are_not_limited() {
    let server = server(Limits { connections_per_network: 3, ..Limits::default() }).await;
    let mut held = Vec::new();
    for client in 0..50 {
        let mut stream = server.connect().await;
        assert_eq!(get(&mut stream, &format!("/known/{client}")).await.status, 200);
        held.push(stream);
    }
    drop(held);
    server.wait_until_closed().await;
    // They were here lately: all can come back at once, each with a probe and a call.
    let mut sockets = Vec::new();
    for _ in 0..103 {
        sockets.push(server.tcp().await);
    }
    server.wait_for("connections_open{server=\"test\"}", 103).await;
    let _one_more = server.tcp().await;
    wait_for_a_refusal(&server).await;
}

#[tokio::test]
async fn one_client_has_a_limit_too() {
    let server = server(Limits { connections_per_client: 2, ..Limits::default() }).await;
    let mut streams = [server.connect().await, server.connect().await, server.connect().await];
    let [one, two, three] = &mut streams;
    assert_eq!(get(one, "/known/1").await.status, 200);
    assert_eq!(get(two, "/known/1").await.status, 200);
    let refused = get(three, "/known/1").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("10")));
    assert_eq!(get(three, "/known/2").await.status, 200);
    assert_eq!(get(one, "/known/1").await.status, 200, "the same connection again");
}

#[tokio::test]
async fn last_quarter_is_kept_for_networks_with_clients_of_late() {
    let server = balanced(Limits { connections: 8, ..Limits::default() }).await;
    let mut known = connect(&server, from(&server, "192.0.2.1").await).await;
    assert_eq!(get(&mut known, "/known/1").await.status, 200);
    drop(known);
    server.wait_until_closed().await;
    let mut held = Vec::new();
    for network in 1..=6 {
        held.push(connect(&server, from(&server, &format!("10.0.{network}.1")).await).await);
    }
    assert!(server.client().connect(from(&server, "10.0.7.1").await).await.is_err());
    assert_eq!(server.closed("reserved"), 1);
    let mut back = connect(&server, from(&server, "192.0.2.77").await).await;
    assert_eq!(get(&mut back, "/peer").await.status, 200);
}
