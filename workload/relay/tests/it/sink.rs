//! A sink that behaves like Prometheus: it accepts each series in order, ignores duplicates, and refuses the rest. It can
//! also misbehave.

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

/// The longest that a test waits without receiving a new sample.
const PROGRESS_TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Behaviour {
    Accept,
    /// Accepts the request after a delay.
    Slowly(Duration),
    /// Never responds.
    Hang,
    /// Responds with this status and a `Retry-After` in seconds.
    Respond(u16, Option<u64>),
    /// Refuses requests with a series of this metric.
    RefuseMetric(String),
    /// Accepts the request, but responds with an error.
    AcceptAndFail,
}

/// The labels of each series, and its samples in the order in which they were accepted.
pub(crate) type Stored = BTreeMap<Vec<(String, String)>, Vec<(i64, u64)>>;

#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) stored: Stored,
    pub(crate) requests: Vec<Instant>,
    pub(crate) headers: Vec<BTreeMap<String, String>>,
    /// Accepted samples, without duplicates.
    pub(crate) samples: usize,
    /// The reasons of refused requests.
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
        let behaviour = Arc::new(Mutex::new(vec![Behaviour::Accept]));
        let (seen, _) = watch::channel(Seen::default());
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&behaviour), seen.clone()));
        Self { address, behaviour, seen, _task: Arc::new(AbortOnDrop(task)) }
    }

    /// Behaves like this from now on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = vec![behaviour];
    }

    /// Behaves like this, one entry for each request; the last one applies to all further requests.
    pub(crate) fn behave_in_turn(&self, mut behaviours: Vec<Behaviour>) {
        behaviours.reverse();
        *self.behaviour.lock().unwrap() = behaviours;
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until the condition holds, as long as samples arrive.
    pub(crate) async fn until(&self, wanted: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let mut samples = 0;
        loop {
            let news = seen.wait_for(|seen| wanted(seen) || seen.samples > samples);
            let Ok(Ok(now)) = tokio::time::timeout(PROGRESS_TIMEOUT, news).await else { break };
            if wanted(&now) {
                return;
            }
            samples = now.samples;
        }
        let Seen { samples, requests, .. } = self.seen();
        panic!("the condition never held: {samples} samples, {} requests", requests.len());
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
            Ok::<_, Infallible>(respond(behaviour, &body, &seen).await)
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(behaviour: Behaviour, body: &Bytes, seen: &watch::Sender<Seen>) -> Response<Full<Bytes>> {
    match behaviour {
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Respond(status, retry_after) => {
            let mut response = Response::builder().status(status);
            if let Some(seconds) = retry_after {
                response = response.header("retry-after", seconds);
            }
            return response.body(Full::from("as configured")).unwrap();
        }
        Behaviour::Slowly(duration) => tokio::time::sleep(duration).await,
        Behaviour::Accept | Behaviour::RefuseMetric(_) | Behaviour::AcceptAndFail => {}
    }
    let refused = match &behaviour {
        Behaviour::RefuseMetric(name) => Some(name.as_str()),
        _ => None,
    };
    let series = decode(body);
    let mut outcome = Ok(());
    seen.send_modify(|seen| {
        outcome = check(&seen.stored, &series, refused);
        if outcome.is_ok() {
            seen.samples += store(&mut seen.stored, series);
        }
        seen.refused.extend(outcome.as_ref().err().cloned());
    });
    let status = match (outcome, behaviour) {
        (Ok(()), Behaviour::AcceptAndFail) => 500,
        (Ok(()), _) => 204,
        (Err(why), _) => return Response::builder().status(400).body(Full::from(why)).unwrap(),
    };
    Response::builder().status(status).body(Full::default()).unwrap()
}

fn check(stored: &Stored, series: &[Series], refused: Option<&str>) -> Result<(), String> {
    for Series { labels, samples } in series {
        let name = labels.iter().find(|(name, _)| name == "__name__").map(|(_, value)| value.as_str());
        if name.is_some() && name == refused {
            return Err("the metric is refused".to_owned());
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
