//! The plain HTTP port for operators.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use edge::status_port::{HealthCheck, serve};
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::harness::{HttpResponse, get, read_to_close, send, soon};

struct Switch(AtomicBool);

impl HealthCheck for Switch {
    fn healthy(&self) -> BoxFuture<'_, Result<(), String>> {
        let healthy = self.0.load(Ordering::Relaxed);
        async move { if healthy { Ok(()) } else { Err("a secret detail".to_owned()) } }.boxed()
    }
}

#[tokio::test]
async fn status_port_serves_health_and_metrics_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (switch, shutdown) = (Arc::new(Switch(AtomicBool::new(true))), CancellationToken::new());
    let serving = serve(listener, switch.clone(), Arc::new(|| "x 1\n# EOF\n".to_owned()), shutdown.clone());
    let serving = tokio::spawn(serving);
    let ask = async |path: &str| -> HttpResponse {
        get(&mut TcpStream::connect(address).await.unwrap(), path).await
    };

    assert_eq!(ask("/status").await.status, 200);
    let metrics = ask("/metrics").await;
    assert_eq!(metrics.body, "x 1\n# EOF\n");
    assert_eq!(
        metrics.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(ask("/elsewhere").await.status, 404);

    // HEAD: the same, without the body. Then the server closes.
    for (path, status, length) in [("/status", 200, 3), ("/metrics", 200, 10), ("/elsewhere", 404, 10)] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        send(&mut stream, format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        let answer = String::from_utf8(read_to_close(&mut stream).await.unwrap()).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(&format!("content-length: {length}\r\n")), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }

    switch.0.store(false, Ordering::Relaxed);
    let unhealthy = ask("/status").await;
    assert_eq!((unhealthy.status, unhealthy.body.contains("secret")), (500, false));

    shutdown.cancel();
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn idle_sockets_never_keep_out_a_health_check() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (switch, shutdown) = (Arc::new(Switch(AtomicBool::new(true))), CancellationToken::new());
    let serving = serve(listener, switch, Arc::new(String::new), shutdown.clone());
    let serving = tokio::spawn(serving);
    let mut idle = Vec::new();
    for round in 0..5 {
        for _ in 0..70 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let begun = std::time::Instant::now();
        assert_eq!(get(&mut TcpStream::connect(address).await.unwrap(), "/status").await.status, 200);
        assert!(begun.elapsed().as_secs() < 1, "round {round}");
    }
    shutdown.cancel();
    soon(serving).await.unwrap();
}
