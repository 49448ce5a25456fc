//! A sink of metrics that keeps nothing but counts: which clusters' samples arrived, and of how many heartbeats.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The times of the samples of each cluster.
type Times = BTreeMap<String, BTreeSet<u64>>;

/// A running sink; stopped when dropped.
pub(crate) struct SampleSink {
    address: SocketAddr,
    times: Arc<Mutex<Times>>,
    runtime: Option<Runtime>,
}

impl SampleSink {
    /// Starts it on a thread of its own.
    pub(crate) async fn start() -> Self {
        let runtime = super::runtime(1);
        let listening = runtime.spawn(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listening.await.unwrap().unwrap();
        let address = listener.local_addr().unwrap();
        let times = Arc::new(Mutex::new(Times::new()));
        runtime.spawn(serve(listener, Arc::clone(&times)));
        Self { address, times, runtime: Some(runtime) }
    }

    /// The URL for remote write.
    pub(crate) fn write_url(&self) -> String {
        format!("http://{}/write", self.address)
    }

    /// From how many heartbeats of each cluster there are samples.
    pub(crate) fn heartbeats(&self) -> BTreeMap<String, usize> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.iter().map(|(cluster, times)| (cluster.clone(), times.len())).collect()
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for SampleSink {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, times: Arc<Mutex<Times>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let times = Arc::clone(&times);
        tokio::spawn(async move {
            let service = service_fn(move |request| accept(request, Arc::clone(&times)));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn accept(
    request: Request<Incoming>,
    times: Arc<Mutex<Times>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Ok(body) = request.into_body().collect().await {
        let written = snap::raw::Decoder::new().decompress_vec(&body.to_bytes()).unwrap();
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, series) in fields(&written) {
            let (job, at) = job_and_times(series);
            if let Some(job) = job {
                times.entry(job).or_default().extend(at);
            }
        }
    }
    Ok(Response::new(Full::default()))
}

/// The cluster of a series, unless it is `up`, and the times of its samples.
fn job_and_times(series: &[u8]) -> (Option<String>, Vec<u64>) {
    let (mut job, mut times) = (None, Vec::new());
    for (number, part) in fields(series) {
        let inner: Vec<_> = fields(part).collect();
        if number == 1 && matches!(inner[..], [(1, b"job"), _]) {
            job = Some(String::from_utf8_lossy(inner[1].1).into_owned());
        } else if number == 2 {
            times.extend(inner.iter().filter(|(number, _)| *number == 2).map(|(_, bytes)| varint(bytes).0));
        }
    }
    (job, times)
}

/// The fields of a message of protocol buffers: the number and the bytes of each.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (tag, length) = varint(rest);
        rest = &rest[length..];
        let size = match tag & 7 {
            0 => varint(rest).1,
            1 => 8,
            2 => {
                let (size, length) = varint(rest);
                rest = &rest[length..];
                usize::try_from(size).unwrap()
            }
            other => panic!("no remote write has the wire type {other}"),
        };
        let (field, behind) = rest.split_at(size);
        rest = behind;
        Some((tag >> 3, field))
    })
}

/// A number and its length in bytes.
fn varint(bytes: &[u8]) -> (u64, usize) {
    let length = 1 + bytes.iter().take_while(|byte| **byte >= 0x80).count();
    let number = bytes[..length].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
    (number, length)
}
