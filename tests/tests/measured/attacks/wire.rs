//! An attacker's connections: raw bytes over TLS, from an address of its own. What it sends is the same whether a hub or the
//! sink is attacked.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent::client::{Identity, Tls, Trust};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pace::Pace;

/// How long an attacker waits for a response.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of an attacker.
pub(crate) type Stream = TlsStream<TcpStream>;

/// One listener under attack, and how it is called.
#[derive(Clone)]
pub(crate) struct Door {
    address: SocketAddr,
    tls: TlsConnector,
    tally: Arc<Tally>,
    pace: Option<Arc<Pace>>,
}

/// What an attack did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The connections that were made.
    pub(crate) connections: AtomicU64,
    /// The bytes that were sent, before encryption.
    pub(crate) bytes: AtomicU64,
    /// The connections that are open now, as far as they are counted.
    pub(crate) held: AtomicU64,
    statuses: Mutex<BTreeMap<u16, u64>>,
}

/// A connection that counts as held until this is dropped.
pub(crate) struct Held<'a>(&'a Tally);

/// A body that is mostly one text, again and again.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    start: Bytes,
    part: Bytes,
    times: usize,
    end: Bytes,
}

impl Door {
    /// A door at this address, to which this identity connects.
    pub(crate) fn new(
        address: SocketAddr,
        pace: Option<Arc<Pace>>,
        identity: &Identity,
        alpn: &[u8],
        tally: Arc<Tally>,
    ) -> Self {
        let mut config = (*Tls::shared().unwrap().config(identity, &Trust::Anyone).unwrap()).clone();
        config.alpn_protocols = vec![alpn.to_vec()];
        Self { address, tls: TlsConnector::from(Arc::new(config)), tally, pace }
    }

    /// What happened at it.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Connects without a handshake. The addresses are those of one network, which counts as one attacker.
    pub(crate) async fn tcp(&self) -> io::Result<TcpStream> {
        let count = self.tally.connections.fetch_add(1, Relaxed);
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        let last = u8::try_from(1 + count % 8).unwrap_or(1);
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 0)))?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Connects with a handshake.
    pub(crate) async fn tls(&self) -> io::Result<Stream> {
        let name = "localhost".try_into().expect("it is a name");
        self.tls.connect(name, self.tcp().await?).await
    }

    /// Writes, and counts what was written.
    pub(crate) async fn write(&self, stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
        if self.pace.as_ref().is_some_and(|pace| !pace.may_send(&self.tally)) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        stream.write_all(bytes).await?;
        self.tally.bytes.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    /// Sends one request over a connection of its own, and waits for the status if there is one. `head` has the request
    /// line and the headers, without the body's length and without the empty line.
    pub(crate) async fn request(&self, head: &str, body: Option<&Body>) -> io::Result<()> {
        let stream = self.tls().await?;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let sending = async {
            let length = body.map(|body| format!("Content-Length: {}\r\n", body.len())).unwrap_or_default();
            self.write(&mut writer, format!("{head}\r\n{length}\r\n").as_bytes()).await?;
            if let Some(body) = body {
                body.send(self, &mut writer).await?;
            }
            writer.flush().await
        };
        if self.pace.is_some() {
            // The sink never responds.
            sending.await?;
            return writer.shutdown().await;
        }
        let reading = tokio::time::timeout(PATIENCE, self.status(&mut reader));
        let (mut sending, mut reading) = (std::pin::pin!(sending), std::pin::pin!(reading));
        tokio::select! {
            _ = &mut reading => return Ok(()),
            // A refusal may come before the body's end, and a reset after it.
            _ = &mut sending => {}
        }
        let _ = reading.await;
        Ok(())
    }

    /// Reads the status of a response of HTTP/1.1 and the rest of the response, and counts it.
    async fn status(&self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        let status = head.get(9..).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        self.tally.answered(status.unwrap_or(0));
        discard(stream).await;
        Ok(())
    }
}

/// Reads until the other side closes.
pub(crate) async fn discard(stream: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = vec![0; 4 * 1024];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

// === impl Tally ===

impl Tally {
    /// Counts a connection as held.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.held.fetch_add(1, Relaxed);
        Held(self)
    }

    fn answered(&self, status: u16) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        *statuses.entry(status).or_default() += 1;
    }

    /// The number of responses by status.
    pub(crate) fn statuses(&self) -> BTreeMap<u16, u64> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Relaxed);
    }
}

// === impl Body ===

impl Body {
    /// About this many bytes: a start, a text as often as it fits, and an end.
    pub(crate) fn of(start: &str, text: &str, end: &str, bytes: usize) -> Self {
        let at_once = (64 * 1024 / text.len()).clamp(1, bytes.div_ceil(text.len()).max(1));
        let part = Bytes::from(text.repeat(at_once));
        let room = bytes.saturating_sub(start.len() + end.len());
        Self { times: room / part.len(), part, start: start.to_owned().into(), end: end.to_owned().into() }
    }

    /// A start, a text once, and an end.
    pub(crate) fn around(start: &str, text: &str, end: &str) -> Self {
        Self::of(start, text, end, start.len() + text.len() + end.len())
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.start.len() + self.part.len() * self.times + self.end.len()
    }

    async fn send(&self, door: &Door, stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        door.write(stream, &self.start).await?;
        for _ in 0..self.times {
            door.write(stream, &self.part).await?;
        }
        door.write(stream, &self.end).await
    }
}
