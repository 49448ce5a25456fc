//! Connections through load balancers: who must and who must not send a PROXY header.

use std::time::Duration;

use edge::{Limits, ProxyPolicy};

use crate::harness::{Options, TestServer, get, read_to_close, send, soon};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x08\xc6\x33\x64\x01\xdc\x04\x01\xbb\x04\0\0";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

async fn behind_a_balancer(trusted: &str, limits: Limits) -> TestServer {
    let proxy = ProxyPolicy { trusted: vec![trusted.parse().unwrap()] };
    TestServer::start(Options { limits, proxy, ..Options::default() }).await
}

#[tokio::test]
async fn header_of_a_trusted_balancer_has_the_client_address() {
    let server = behind_a_balancer("127.0.0.0/8", Limits::default()).await;
    for (header, address) in [(V1, "192.0.2.7:56324 none"), (V2, "192.0.2.8:56324 none")] {
        let mut socket = server.tcp().await;
        send(&mut socket, header).await;
        let mut stream = server.client().connect(socket).await.unwrap();
        assert_eq!(get(&mut stream, "/peer").await.metadata(), address);
    }
}

#[tokio::test]
async fn header_may_arrive_in_parts() {
    let server = behind_a_balancer("127.0.0.0/8", Limits::default()).await;
    let mut socket = server.tcp().await;
    for part in V2.chunks(5) {
        send(&mut socket, part).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut stream = server.client().connect(socket).await.unwrap();
    assert_eq!(get(&mut stream, "/peer").await.metadata(), "192.0.2.8:56324 none");
}

#[tokio::test]
async fn health_check_of_a_balancer_keeps_its_own_address() {
    let server = behind_a_balancer("127.0.0.0/8", Limits::default()).await;
    let mut socket = server.tcp().await;
    let address = socket.local_addr().unwrap();
    send(&mut socket, V2_LOCAL).await;
    let mut stream = server.client().connect(socket).await.unwrap();
    assert_eq!(get(&mut stream, "/peer").await.metadata(), format!("{address} none"));
}

/// UDP, Unix sockets, and a family that does not exist: the connection is served, and its bytes are those after the header.
#[tokio::test]
async fn header_of_another_family_keeps_the_address_of_the_connection() {
    let server = behind_a_balancer("127.0.0.0/8", Limits::default()).await;
    for (family, length) in [(0x31, 216), (0x32, 216), (0x12, 12), (0x22, 36), (0x00, 5), (0x51, 100)] {
        let mut socket = server.tcp().await;
        let address = socket.local_addr().unwrap();
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
        header.extend([family, 0, length]);
        header.resize(header.len() + usize::from(length), b'x');
        send(&mut socket, header).await;
        let mut stream = server.client().connect(socket).await.unwrap();
        assert_eq!(get(&mut stream, "/peer").await.metadata(), format!("{address} none"), "{family:#x}");
    }
}

#[tokio::test]
async fn trusted_balancer_without_header_is_disconnected() {
    let server = behind_a_balancer("127.0.0.0/8", Limits::default()).await;
    assert!(server.client().connect(server.tcp().await).await.is_err());
    server.wait_until_closed().await;
    assert_eq!(server.handshakes("proxy_refused"), 1);
}

#[tokio::test]
async fn header_from_another_address_is_refused() {
    let server = behind_a_balancer("10.0.0.0/8", Limits::default()).await;
    for header in [V1, V2] {
        let mut socket = server.tcp().await;
        send(&mut socket, header).await;
        assert!(server.client().connect(socket).await.is_err());
    }
    server.wait_until_closed().await;
    assert_eq!(server.handshakes("failed"), 2);
}

#[tokio::test]
async fn incomplete_header_times_out() {
    let limits = Limits { handshake: Duration::from_millis(100), ..Limits::default() };
    let server = behind_a_balancer("127.0.0.0/8", limits).await;
    let mut socket = server.tcp().await;
    send(&mut socket, &V2[..20]).await;
    let _ = soon(read_to_close(&mut socket)).await;
    server.wait_until_closed().await;
    assert_eq!(server.handshakes("timeout"), 1);
}
