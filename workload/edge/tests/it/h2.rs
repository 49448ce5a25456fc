//! A client of HTTP/2 that opens its windows as the test says, and pings all the time.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::task::JoinHandle;

use crate::harness::{TestServer, soon};

/// A connection, and the task that drives it.
pub(crate) struct Http2 {
    pub(crate) requests: SendRequest<String>,
    pub(crate) driver: JoinHandle<hyper::Result<()>>,
}

/// Connects with this window for each response.
pub(crate) async fn connect(server: &TestServer, window_bytes: u32) -> Http2 {
    let stream = server.client().alpn(b"h2").connect(server.tcp().await).await.unwrap();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_millis(20))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(window_bytes)
        .initial_connection_window_size(1 << 20);
    let (requests, connection) = soon(builder.handshake(TokioIo::new(stream))).await.unwrap();
    Http2 { requests, driver: tokio::spawn(connection) }
}

impl Http2 {
    /// The response to a request, without its body.
    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<http::Response<Incoming>> {
        let request = http::Request::get(format!("https://localhost{path}")).body(String::new()).unwrap();
        soon(self.requests.send_request(request)).await
    }
}
