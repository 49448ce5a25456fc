//! A sink as Prometheus is one: it takes each series in order, ignores what it has already, and refuses the rest. It can
//! be told to misbehave.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::wire::{Series, decode};

/// No test waits longer for the next of what must come.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Behaviour {
    Take,
    /// Takes it, after a while.
    Slowly(Duration),
    /// Never answers.
    Hang,
    /// Answers so, with a `Retry-After` of so many seconds.
    Answer(u16, Option<u64>),
    /// Refuses requests with a series of this metric.
    RefuseMetric(String),
    /// Takes it, and says that it failed.
    TakeAndFail,
}

/// A series' labels, and its samples in the order in which they were taken.
pub(crate) type Stored = BTreeMap<Vec<(String, String)>, Vec<(i64, u64)>>;

#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) stored: Stored,
    pub(crate) requests: Vec<Instant>,
    pub(crate) headers: Vec<BTreeMap<String, String>>,
    /// Samples that were taken, duplicates not counted.
    pub(crate) samples: usize,
    /// Requests that were refused, each with the reason.
    pub(crate) refused: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct TestSink {
    pub(crate) address: SocketAddr,
    behaviour: Arc<Mutex<Vec<Behaviour>>>,
    seen: watch::Sender<Seen>,
    _task: Arc<AbortOnDrop>,
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TestSink {
    pub(crate) async fn start() -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap(), None).await
    }

    pub(crate) async fn with_tls(acceptor: TlsAcceptor) -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap(), Some(acceptor)).await
    }

    async fn listen(address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour = Arc::new(Mutex::new(vec![Behaviour::Take]));
        let (seen, _) = watch::channel(Seen::default());
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&behaviour), seen.clone()));
        Self { address, behaviour, seen, _task: Arc::new(AbortOnDrop(task)) }
    }

    /// Behaves so from now on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = vec![behaviour];
    }

    /// Behaves so, request by request; for ever like the last.
    pub(crate) fn behave_in_turn(&self, mut behaviours: Vec<Behaviour>) {
        behaviours.reverse();
        *self.behaviour.lock().unwrap() = behaviours;
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until it has seen this, for as long as samples come.
    pub(crate) async fn until(&self, wanted: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let mut samples = 0;
        loop {
            let news = seen.wait_for(|seen| wanted(seen) || seen.samples > samples);
            let Ok(Ok(now)) = tokio::time::timeout(PATIENCE, news).await else { break };
            if wanted(&now) {
                return;
            }
            samples = now.samples;
        }
        let Seen { samples, requests, .. } = self.seen();
        panic!("it never came: {samples} samples, {} requests", requests.len());
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    behaviour: Arc<Mutex<Vec<Behaviour>>>,
    seen: watch::Sender<Seen>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, behaviour, seen) = (tls.clone(), Arc::clone(&behaviour), seen.clone());
        connections.spawn(async move {
            match tls {
                None => serve(stream, behaviour, seen).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, behaviour, seen).await;
                    }
                }
            }
        });
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    behaviour: Arc<Mutex<Vec<Behaviour>>>,
    seen: watch::Sender<Seen>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (behaviour, seen) = (Arc::clone(&behaviour), seen.clone());
        async move {
            let headers = request.headers().iter();
            let headers: BTreeMap<_, _> =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let behaviour = {
                let mut turns = behaviour.lock().unwrap();
                if turns.len() > 1 { turns.pop().unwrap() } else { turns[0].clone() }
            };
            seen.send_modify(|seen| {
                seen.requests.push(Instant::now());
                seen.headers.push(headers);
            });
            Ok::<_, Infallible>(answer(behaviour, &body, &seen).await)
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(behaviour: Behaviour, body: &Bytes, seen: &watch::Sender<Seen>) -> Response<Full<Bytes>> {
    match behaviour {
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Answer(status, retry_after) => {
            let mut response = Response::builder().status(status);
            if let Some(seconds) = retry_after {
                response = response.header("retry-after", seconds);
            }
            return response.body(Full::from("as it was told")).unwrap();
        }
        Behaviour::Slowly(duration) => tokio::time::sleep(duration).await,
        Behaviour::Take | Behaviour::RefuseMetric(_) | Behaviour::TakeAndFail => {}
    }
    let refused = match &behaviour {
        Behaviour::RefuseMetric(name) => Some(name.as_str()),
        _ => None,
    };
    let series = decode(body);
    let mut taken = Ok(());
    seen.send_modify(|seen| {
        taken = check(&seen.stored, &series, refused);
        if taken.is_ok() {
            seen.samples += store(&mut seen.stored, series);
        }
        seen.refused.extend(taken.as_ref().err().cloned());
    });
    let status = match (taken, behaviour) {
        (Ok(()), Behaviour::TakeAndFail) => 500,
        (Ok(()), _) => 204,
        (Err(why), _) => return Response::builder().status(400).body(Full::from(why)).unwrap(),
    };
    Response::builder().status(status).body(Full::default()).unwrap()
}

fn check(stored: &Stored, series: &[Series], refused: Option<&str>) -> Result<(), String> {
    for Series { labels, samples } in series {
        let name = labels.iter().find(|(name, _)| name == "__name__").map(|(_, value)| value.as_str());
        if name.is_some() && name == refused {
            return Err("it is refused".to_owned());
        }
        let Some((last, bits)) = stored.get(labels).and_then(|samples| samples.last()) else { continue };
        for (new_bits, at) in samples {
            if at < last || (at == last && bits != new_bits) {
                return Err(format!("out of order: {labels:?}"));
            }
        }
    }
    Ok(())
}

fn store(stored: &mut Stored, series: Vec<Series>) -> usize {
    let mut new = 0;
    for Series { labels, samples } in series {
        let kept = stored.entry(labels).or_default();
        for (bits, at) in samples {
            if kept.last() != Some(&(at, bits)) {
                kept.push((at, bits));
                new += 1;
            }
        }
    }
    new
}
