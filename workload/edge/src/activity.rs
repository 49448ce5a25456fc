//! State that the layers of one connection share: whether a handler is running, and whether a body is left unread.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// The open streams of an HTTP/2 connection.
#[derive(Debug, Default)]
struct Streams {
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
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).open += 1;
        OpenStream(Arc::clone(self))
    }

    /// Since when no stream is open, `None` while one is. `begun` is the beginning of the connection.
    pub(crate) fn idle_since(&self, begun: Instant) -> Option<Instant> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        (streams.open == 0).then(|| streams.ended.unwrap_or(begun))
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
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
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
