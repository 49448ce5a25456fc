//! A gate in front of a real sink, which misbehaves in its place. What it lets through reaches the sink
//! unchanged.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How a sink behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// It accepts samples, as it should.
    Accept,
    /// It is down: connections are refused, open ones end.
    Stopped,
    /// It accepts connections and never responds.
    Hanging,
    /// It accepts samples and responds after this time.
    Slow(Duration),
    /// It refuses every request with a series whose labels contain all these texts.
    Rejecting(Vec<String>),
}

/// A gate in front of a sink; closed when dropped.
pub struct SinkGate {
    /// Where it listens.
    pub address: SocketAddr,
    behaviour: watch::Sender<Behaviour>,
    running: JoinHandle<()>,
}

impl SinkGate {
    /// Starts a gate in front of the sink with this URL. Call it within a Tokio runtime.
    pub fn start(sink: String) -> Self {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = listener.local_addr().unwrap();
        let (behaviour, behaviours) = watch::channel(Behaviour::Accept);
        let running = tokio::spawn(run(listener, address, behaviours, sink.into()));
        Self { address, behaviour, running }
    }

    /// Changes the behaviour. Requests that hang are cut off.
    pub fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// The URL for remote write.
    pub fn write_url(&self) -> String {
        format!("http://{}/write", self.address)
    }
}

impl Drop for SinkGate {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Listens, even if earlier connections are still closing.
fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(128).unwrap()
}

async fn run(
    first: TcpListener,
    address: SocketAddr,
    mut behaviours: watch::Receiver<Behaviour>,
    sink: Arc<str>,
) {
    let mut listener = Some(first);
    let client = reqwest::Client::new();
    loop {
        let behaviour = behaviours.borrow_and_update().clone();
        if behaviour == Behaviour::Stopped {
            drop(listener.take());
            if behaviours.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = listener.get_or_insert_with(|| listen(address));
        // Ends with all its connections when the behaviour changes.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                changed = behaviours.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
                accepted = open.accept() => {
                    let (stream, _) = accepted.unwrap();
                    connections.spawn(serve(stream, behaviour.clone(), client.clone(), Arc::clone(&sink)));
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, behaviour: Behaviour, client: reqwest::Client, sink: Arc<str>) {
    let service = service_fn(|request| {
        let (behaviour, client, sink) = (behaviour.clone(), client.clone(), Arc::clone(&sink));
        async move { Ok::<_, Infallible>(answer(request, behaviour, client, &sink).await) }
    });
    // Connections may end early: the relay must cope.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    behaviour: Behaviour,
    client: reqwest::Client,
    sink: &str,
) -> Response<Full<Bytes>> {
    let headers = request.headers().clone();
    let Ok(body) = request.into_body().collect().await else { return respond(500, "the body ended early") };
    let body = body.to_bytes();
    match behaviour {
        Behaviour::Hanging => std::future::pending().await,
        Behaviour::Slow(duration) => tokio::time::sleep(duration).await,
        Behaviour::Rejecting(texts) if holds(&body, &texts) => {
            return respond(400, "one series is refused");
        }
        _ => {}
    }
    let mut passed = client.post(sink).body(body);
    for name in ["content-type", "content-encoding", "x-prometheus-remote-write-version"] {
        if let Some(value) = headers.get(name) {
            passed = passed.header(name, value);
        }
    }
    match passed.send().await {
        Err(error) => respond(502, &error.to_string()),
        Ok(answer) => {
            let status = answer.status().as_u16();
            respond(status, &answer.text().await.unwrap_or_default())
        }
    }
}

fn respond(status: u16, text: &str) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(text.to_owned())).unwrap()
}

/// Whether one series of a write request contains all these texts.
fn holds(body: &[u8], texts: &[String]) -> bool {
    let request = snap::raw::Decoder::new().decompress_vec(body).expect("remote write is compressed");
    let mut rest = request.as_slice();
    while let Some(series) = next_series(&mut rest) {
        if texts.iter().all(|text| contains(series, text)) {
            return true;
        }
    }
    false
}

/// Removes the first field of a write request. All fields are series: tag 1, a length, the bytes.
fn next_series<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&tag, mut after) = rest.split_first()?;
    assert_eq!(tag, 0x0a, "a write request holds series alone");
    let mut length = 0;
    for shift in (0..).step_by(7) {
        let (&byte, behind) = after.split_first()?;
        after = behind;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    let (series, behind) = after.split_at(length);
    *rest = behind;
    Some(series)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
