//! A request with any `Host`, over HTTP/1.1 or HTTP/2, as no well-behaved client sends it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Gets a path of this unit. Only the request names `host`: the certificate is not verified.
pub async fn get(
    unit: SocketAddr,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    http2: bool,
) -> http::Response<Bytes> {
    let tls = agent::client::Tls::shared().unwrap();
    let mut config =
        (*tls.config(&agent::client::Identity::None, &agent::client::Trust::Anyone).unwrap()).clone();
    config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(unit).await.unwrap();
    let stream = TokioIo::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap());
    let mut request = Request::get(path);
    for (name, value) in headers {
        if !(http2 && *name == "host") {
            request = request.header(*name, *value);
        }
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = if http2 {
        let (mut sender, running) = conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(running);
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("https://{host}{path}").parse().unwrap();
        sender.send_request(Request::from_parts(parts, body)).await.unwrap()
    } else {
        let (mut sender, running) = conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(running);
        sender.send_request(request).await.unwrap()
    };
    let (parts, body) = response.into_parts();
    http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}
