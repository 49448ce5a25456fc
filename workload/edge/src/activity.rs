//! State that the layers of one connection share: whether a handler is running, and whether a body is left unread.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Shared by a connection's stream, its requests' bodies and its service.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicBool,
    working: AtomicU32,
    unread: AtomicBool,
    closing: AtomicBool,
    event_streams: AtomicU32,
    streams: Mutex<Streams>,
}

/// How many bytes an HTTP/2 client may send while it has no stream: the longest headers of a request fit several times.
const MAX_IDLE_BYTES: usize = 256 * 1024;

/// The open streams of an HTTP/2 connection.
#[derive(Debug, Default)]
struct Streams {
    is_http2: bool,
    /// The bytes received since a stream was open.
    idle_bytes: usize,
    open: u32,
    /// When the last one ended.
    ended: Option<Instant>,
}

impl Activity {
    /// Marks a request as being handled until the guard is dropped, however its handler ends.
    pub(crate) fn begin(&self) -> Working<'_> {
        self.begun.store(true, Ordering::Relaxed);
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }

    /// Whether this connection has received a request.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a handler is running, so that the silence on the wire is not the client's fault.
    pub(crate) fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Whether the client may still be sending a body that is not read. On HTTP/2: the body of the newest request.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether the connection closes right after the short response that is being sent.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// Marks a stream of HTTP/2 as open until the guard is dropped.
    pub(crate) fn open_stream(self: &Arc<Self>) -> OpenStream {
        let mut streams = self.streams();
        streams.open += 1;
        streams.idle_bytes = 0;
        drop(streams);
        OpenStream(Arc::clone(self))
    }

    /// From now on the connection speaks HTTP/2.
    pub(crate) fn set_http2(&self) {
        self.streams().is_http2 = true;
    }

    /// Counts bytes that the client sent. Fails if it floods an HTTP/2 connection that it does not use.
    pub(crate) fn received(&self, bytes: usize) -> io::Result<()> {
        let mut streams = self.streams();
        if !streams.is_http2 || streams.open > 0 {
            return Ok(());
        }
        streams.idle_bytes += bytes;
        if streams.idle_bytes > MAX_IDLE_BYTES {
            return Err(io::Error::other("the client floods a connection without streams"));
        }
        Ok(())
    }

    /// Since when no stream is open, `None` while one is. `begun` is the beginning of the connection.
    pub(crate) fn idle_since(&self, begun: Instant) -> Option<Instant> {
        let streams = self.streams();
        (streams.open == 0).then(|| streams.ended.unwrap_or(begun))
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a response as a stream of events, which has no end, until the guard is dropped.
    pub(crate) fn begin_events(self: &Arc<Self>) -> EventStream {
        self.event_streams.fetch_add(1, Ordering::Relaxed);
        EventStream(Arc::clone(self))
    }

    /// Whether a stream of events is open.
    pub(crate) fn has_events(&self) -> bool {
        self.event_streams.load(Ordering::Relaxed) > 0
    }
}

pub(crate) struct OpenStream(Arc<Activity>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut streams = self.0.streams();
        streams.open -= 1;
        streams.ended = Some(Instant::now());
    }
}

pub(crate) struct EventStream(Arc<Activity>);

impl Drop for EventStream {
    fn drop(&mut self) {
        self.0.event_streams.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) struct Working<'a>(&'a Activity);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}
